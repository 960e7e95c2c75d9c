package recovery

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"
)

// Receipt is what the one who appeals takes along.
type Receipt struct {
	Number string
	Secret string // opens the progress page together with the number; not stored
	DueAt  time.Time
	Aim    Aim // what it is for
}

// Receipt shows a filed appeal's receipt to the browser that filed it, until the
// flow ends.
func (s *Service) Receipt(ctx context.Context, by Asker, id string) (Receipt, error) {
	f, err := s.flow(ctx, by, id, Filings()...)
	if err != nil {
		return Receipt{}, err
	}
	if f.Step != Done || f.Appeal == "" {
		return Receipt{}, over()
	}
	a, err := s.Store.Appeal(ctx, f.Appeal)
	if err != nil {
		return Receipt{}, err
	}
	return receipt(a, s.secret(id)), nil
}

func receipt(a Appeal, secret string) Receipt {
	return Receipt{Number: a.Number, Secret: secret, DueAt: a.DueAt, Aim: a.Kind.Aim()}
}

// letters of case numbers: easily told over the telephone
var letters = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)

// caseNumber is the day and forty random bits: short enough to be told, and not
// to be counted up. It opens nothing.
func caseNumber(now time.Time) string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails
	return "SS" + now.In(beijing).Format("20060102") + "-" + letters.EncodeToString(b)
}

// secret is what opens an appeal's progress page, 160 bits. It follows from the
// flow's id, which the browser alone has: nothing that is stored gives it.
func (s *Service) secret(id string) string {
	text := letters.EncodeToString(s.sum("appeal secret", id)[:20])
	return text[:8] + "-" + text[8:16] + "-" + text[16:24] + "-" + text[24:32]
}

// freshName is a login name for who lost the old one: in the alphabet of new
// names, and not to be guessed.
func freshName() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails
	return "yh_" + strings.ToLower(letters.EncodeToString(b))
}
