package network

import (
	"net"
	"os"
	"strings"
)

// listenAddress is where a test image listens in the embedded cluster: on the port that its container was given and at
// the address that is its pod's own, whatever fixed port it has built in.
func listenAddress(address string) string {
	host, port := os.Getenv("HAKN_BIND_ADDRESS"), os.Getenv("PORT")
	if host == "" || port == "" || !strings.HasPrefix(address, ":") {
		return address
	}
	return net.JoinHostPort(host, port)
}
