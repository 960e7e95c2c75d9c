package help

import "testing"

// Hostile and unknown agents are neither named nor blamed.
func TestBrowserOf(t *testing.T) {
	for agent, want := range map[string]struct {
		name string
		old  bool
	}{
		"": {}, "curl/8": {}, "Chrome/": {"Chrome", false}, "Chrome/99999999999999999999": {"Chrome", false}, "Chrome/<script>": {"Chrome", false},
		"Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko":                                                         {"Internet Explorer", true},
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36":                   {"Chrome 130", false},
		"Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.198 Safari/537.36":                {"Chrome 86", true},
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0":     {"Edge 130", false},
		"Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0":                                                {"Firefox 102", true},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15": {"Safari 17", false},
	} {
		if name, old := browserOf(agent); name != want.name || old != want.old {
			t.Errorf("%q: %q %v, want %q %v", agent, name, old, want.name, want.old)
		}
	}
}
