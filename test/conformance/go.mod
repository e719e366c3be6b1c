module conformance

go 1.22

require (
	knative.dev/client v0.42.0
	knative.dev/networking v0.0.0-20240716111826-bab7f2a3e556
	knative.dev/serving v0.42.2
)
