package notify

import (
	"context"
	"slices"
	"sync"
	"time"
)

// consoleKept is how many messages a console keeps.
const consoleKept = 200

// Console is the demonstration's driver: it delivers to a page. What it holds is
// in memory alone and gone with the process.
type Console struct {
	Now func() time.Time

	mu   sync.Mutex
	kept []Shown
}

// Shown is a message as the demonstration's page and its JSON show it.
type Shown struct {
	To      string    `json:"to"`
	Channel Channel   `json:"channel"`
	Purpose string    `json:"purpose"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
	Code    string    `json:"code"`
	At      time.Time `json:"at"`

	id string
}

var _ Sender = (*Console)(nil)

// Send implements Sender: the same id is shown once.
func (c *Console) Send(_ context.Context, d Delivered) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.kept, func(s Shown) bool { return s.id == d.ID }) {
		return nil
	}
	c.kept = append(c.kept, Shown{To: d.To, Channel: d.Channel, Purpose: d.Purpose, Subject: d.Subject, Text: d.Text, Code: d.Code, At: c.Now(), id: d.ID})
	if over := len(c.kept) - consoleKept; over > 0 {
		c.kept = slices.Delete(c.kept, 0, over)
	}
	return nil
}

// Shown gives the messages, the newest first.
func (c *Console) Shown() []Shown {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.kept)
	slices.Reverse(out)
	return out
}

// Forget shows nothing of what was sent before.
func (c *Console) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = nil
}
