//go:build tools

// Package upstream pins the upstream programs that behaviour suites and benches compare ours with.
package upstream

import (
	_ "knative.dev/serving/cmd/autoscaler"
	_ "knative.dev/serving/cmd/queue"
	_ "knative.dev/serving/cmd/webhook"
)
