package web

import (
	"net/http"
	"net/netip"
	"strings"

	"kejitong/provider/fault"
)

// address finds out who the client is. Only a peer among the trusted proxies
// may speak for another (X-Forwarded-For); Forwarded, X-Real-IP and their kin
// are never read. byProxy tells whether the peer is such a proxy.
//
// The list is walked from its end, where our own proxy wrote, to the first
// address that is not a trusted proxy: that is the client. Garbage on the way
// is an error, never skipped, or a client could hide behind it. What stands
// further left is the client's own claim and is not looked at.
func (k *Kit) address(r *http.Request) (ip netip.Addr, byProxy bool, err error) {
	peer, ok := parseAddress(r.RemoteAddr)
	if !ok || !k.trusts(peer) {
		return peer, false, nil
	}
	lines := r.Header["X-Forwarded-For"]
	client := peer
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			var entry string
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				rest, entry = rest[:at], rest[at+1:]
			} else {
				entry, more = rest, false
			}
			client, ok = parseAddress(strings.TrimSpace(entry))
			if !ok {
				return netip.Addr{}, true, fault.New(fault.Invalid, "X-Forwarded-For is not a list of addresses")
			}
			if !k.trusts(client) {
				return client, true, nil
			}
		}
	}
	return client, true, nil
}

// ByProxy tells whether the peer of a request is one of the trusted proxies, so
// that headers which the proxies overwrite may be believed.
func (k *Kit) ByProxy(r *http.Request) bool {
	peer, ok := parseAddress(r.RemoteAddr)
	return ok && k.trusts(peer)
}

func (k *Kit) trusts(ip netip.Addr) bool {
	for _, p := range k.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// parseAddress reads an address with or without a port.
func parseAddress(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return ip.Unmap().WithZone(""), true
}
