package holder

import (
	"context"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// How a unit ended.
const (
	Deregistered = "deregistered" // 注销
	Merged       = "merged"       // 合并到另一单位
)

// UnitEnd is a unit that stands in its register no more.
type UnitEnd struct {
	Unit      string // id
	How       string // Deregistered or Merged
	Successor string // id of the unit that it was merged into
	By        string // who says so
}

// EndUnit ends a unit: nobody acts for it any more, from the next use of any token
// on. Mandates and entitlements for it are revoked, its own account is closed to
// sign-ins and its sessions and tokens end. The successor gets nothing by it: what
// it needs it is given by its own people.
func (s *Service) EndUnit(ctx context.Context, e UnitEnd) error {
	return s.Store.EndUnit(ctx, e, s.Now(), audit.From(ctx, audit.Event{Kind: audit.UnitEnded, Actor: e.By, Object: e.Unit, Detail: e.How}))
}

// Succeeded tells whether another person leads a unit than before: by document,
// since two people may have one name.
func Succeeded(was, is *account.Person) bool {
	return was != nil && is != nil && was.IDNumber != "" && (was.IDType != is.IDType || was.IDNumber != is.IDNumber)
}
