//go:build tools

// Package upstream pins the upstream queue-proxy that the behaviour suite and the bench compare ours with.
package upstream

import _ "knative.dev/serving/cmd/queue"
