package signup

import (
	"context"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Search is the form of 忘记登录名. USCC and UnitName are of FindUnit.
type Search struct {
	Purpose  Purpose // FindPerson or FindUnit
	Mobile   string
	USCC     string
	UnitName string
	Onward   string
	Solution Solution
}

// Found is an account as it is told to who proved its mobile.
type Found struct {
	Kind      account.Kind
	LoginName string
	UnitName  string // of a legal account
	Frozen    bool
	Since     time.Time
}

// mostFound bounds how many accounts of one mobile are told.
const mostFound = 20

// Look takes the form and sends a code to the mobile: always, if a person asks;
// if a unit does, only where USCC, name and the contact's mobile fit together.
// What happens, and how long it takes, is the same (S49).
func (s *Service) Look(ctx context.Context, v Visitor, q Search) (id string, err error) {
	var wrong Problems
	mobile, err := account.ParseMobile(q.Mobile)
	_ = wrong.note("mobile", err)
	data := Data{Mobile: mobile, Onward: q.Onward, Locale: v.Locale}
	if q.Purpose == FindUnit {
		uscc, err := account.ParseUSCC(q.USCC)
		_ = wrong.note("uscc", err)
		name, err := account.ParseUnitName(q.UnitName)
		_ = wrong.note("unit_name", err)
		if len(wrong) == 0 {
			if data.Account, err = s.fits(ctx, uscc, name, mobile); err != nil {
				return "", err
			}
		}
	}
	if len(wrong) > 0 {
		return "", wrong
	}
	return s.open(ctx, v, q.Purpose, q.Solution, data, q.Purpose == FindUnit && data.Account == "")
}

// fits gives the legal account of the unit if name and contact are its own.
func (s *Service) fits(ctx context.Context, uscc account.USCC, name string, mobile account.Mobile) (account.ID, error) {
	u, err := s.Store.UnitByUSCC(ctx, uscc)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	a, err := s.Store.AccountByID(ctx, u.AccountID) // of no unit as well, so that the work is the same
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	if u.AccountID == "" || err != nil || a.State == account.Closed || contactMobile(a) != mobile.E164() ||
		account.UnitNameKey(u.Name) != account.UnitNameKey(name) {
		return "", nil
	}
	return a.ID, nil
}

// Names gives the accounts of a search whose mobile is proved, oldest first; none
// is none.
func (s *Service) Names(ctx context.Context, id string, v Visitor) (Flow, []Found, error) {
	f, err := s.Current(ctx, id, v, FindPerson, FindUnit)
	if err == nil && !f.Proved() {
		err = errGone()
	}
	if err != nil {
		return Flow{}, nil, err
	}
	ids := []account.ID{f.Data.Account}
	if f.Purpose == FindPerson {
		if ids, err = s.Store.AccountsBy(ctx, account.ByPhone, f.Data.Mobile.E164()); err != nil {
			return Flow{}, nil, err
		}
	}
	var found []Found
	for _, id := range ids[:min(len(ids), mostFound)] {
		a, err := s.Store.AccountByID(ctx, id)
		if fault.Is(err, fault.NotFound) || err == nil && a.State == account.Closed {
			continue
		}
		if err != nil {
			return Flow{}, nil, err
		}
		found = append(found, Found{Kind: a.Kind, LoginName: a.LoginName, UnitName: a.Profile.Name, Frozen: a.State == account.Frozen, Since: a.CreatedAt})
	}
	return f, found, nil
}
