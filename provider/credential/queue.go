package credential

import (
	"runtime"
	"sync"
	"time"

	"kejitong/provider/fault"
)

// Ticket is a place in the hashing queue. Who holds one will be served or give
// up by its own context, but never be turned away.
type Ticket struct {
	h       *Hasher
	network string // which the place counts for, empty for none
	once    sync.Once
}

// Admit takes a place in the queue at once or fails with fault.Unavailable and
// RetryAfter. Callers that write before hashing admit themselves first, so
// that overload is refused before it costs anything. It is for our own work;
// what somebody asks for from outside goes through AdmitFrom.
func (h *Hasher) Admit() (*Ticket, error) { return h.admit("") }

// AdmitFrom is Admit for somebody at the address ip, who may hold PerAddress
// places and not the whole queue. Addresses are told apart as for the counters
// of guesses; what is no address counts as one.
func (h *Hasher) AdmitFrom(ip string) (*Ticket, error) { return h.admit(Network(ip)) }

func (h *Hasher) admit(network string) (*Ticket, error) {
	h.once.Do(h.open)
	if h.PerAddress < 0 {
		network = ""
	}
	if network != "" && !h.hold(network) {
		return nil, busy()
	}
	select {
	case h.places <- struct{}{}:
		return &Ticket{h: h, network: network}, nil
	default:
		h.letGo(network)
		return nil, busy()
	}
}

// Release gives the place back; further calls do nothing.
func (t *Ticket) Release() {
	t.once.Do(func() {
		<-t.h.places
		t.h.letGo(t.network)
	})
}

func (h *Hasher) open() {
	n, queue := h.Concurrency, h.Queue
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if queue == 0 {
		queue = 32 * n
	}
	queue = max(queue, 0)
	h.slots = make(chan struct{}, n)
	h.places = make(chan struct{}, n+queue)
	h.held = map[string]int{}
}

// hold counts a place for the network if it may have one more.
func (h *Hasher) hold(network string) bool {
	bound := h.PerAddress
	if bound == 0 {
		bound = max((cap(h.places)-cap(h.slots))/4, 2)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[network] >= bound {
		return false
	}
	h.held[network]++
	return true
}

func (h *Hasher) letGo(network string) {
	if network == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[network]--; h.held[network] <= 0 {
		delete(h.held, network)
	}
}

func busy() error {
	return &fault.Error{Kind: fault.Unavailable, Msg: MsgBusy, RetryAfter: 2 * time.Second}
}
