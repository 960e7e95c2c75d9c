package main

import (
	"flag"
	"regexp"
	"slices"
	"time"

	"kejitong/provider/account"
)

// realNameFlags are the verdict of real-name verification as the operator
// enters it, of an account or of a unit.
type realNameFlags struct {
	status, level, method, checkID, checkOrganization, processID string
}

func (r *realNameFlags) flags(f *flag.FlagSet) {
	f.StringVar(&r.status, "realname", account.StatusUnverified, "unverified or verified")
	f.StringVar(&r.level, "level", "", "real-name level L0 to L4 (default L1 unverified, L2 verified)")
	f.StringVar(&r.method, "method", "", "how it was verified: auto or manual (default auto)")
	f.StringVar(&r.checkID, "check-id", "", "the checker's own reference")
	f.StringVar(&r.checkOrganization, "check-organization", "", "who compared the data")
	f.StringVar(&r.processID, "process-id", "", "the verification case")
}

var reference = regexp.MustCompile(`^[A-Za-z0-9._:/-]{0,64}$`)

// verdict checks the flags and gives what they say, as of t.
func (r *realNameFlags) verdict(t time.Time) (account.RealName, error) {
	none := account.RealName{}
	if err := oneOf("realname", r.status, account.StatusUnverified, account.StatusVerified); err != nil {
		return none, err
	}
	verified := r.status == account.StatusVerified
	n := account.RealName{Status: r.status, Level: r.level}
	if n.Level == "" {
		n.Level = "L1"
		if verified {
			n.Level = "L2"
		}
	}
	levels := []string{"L0", "L1"}
	if verified {
		levels = []string{"L2", "L3", "L4"}
	}
	if !slices.Contains(levels, n.Level) {
		return none, refuse("level", n.Level, "does not go with --realname "+r.status+"; want one of "+levels[0]+" to "+levels[len(levels)-1])
	}
	if !verified {
		for flag, value := range map[string]string{"method": r.method, "check-id": r.checkID, "check-organization": r.checkOrganization, "process-id": r.processID} {
			if value != "" {
				return none, refuse(flag, value, "says how somebody was verified; add --realname verified")
			}
		}
		return n, nil
	}
	if n.Method = r.method; n.Method == "" {
		n.Method = account.MethodAuto
	}
	if err := oneOf("method", n.Method, account.MethodAuto, account.MethodManual); err != nil {
		return none, err
	}
	for flag, value := range map[string]string{"check-id": r.checkID, "process-id": r.processID} {
		if !reference.MatchString(value) {
			return none, refuse(flag, value, "want up to 64 letters, digits and . _ : / -")
		}
	}
	if err := plain("check-organization", r.checkOrganization, 64); err != nil {
		return none, err
	}
	n.VerifiedAt, n.CheckID, n.CheckOrganization, n.ProcessID = t, r.checkID, r.checkOrganization, r.processID
	return n, nil
}

// beijing needs no zone database: China has kept one zone without summer time
// since 1991.
var beijing = time.FixedZone("CST", 8*3600)

// parseUntil reads a date, which ends with its last moment in Beijing, or a
// time of RFC 3339. Empty means without end.
func parseUntil(flag, text string, t time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	until, err := time.ParseInLocation(time.DateOnly, text, beijing)
	if err == nil {
		until = until.AddDate(0, 0, 1)
	} else if until, err = time.Parse(time.RFC3339, text); err != nil {
		return time.Time{}, refuse(flag, text, "is no date such as 2027-12-31 and no time such as 2027-12-31T18:00:00+08:00")
	}
	if !until.After(t) {
		return time.Time{}, refuse(flag, text, "has passed already")
	}
	return until.UTC(), nil
}

// day shows a moment as Beijing's clock has it.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(beijing).Format("2006-01-02 15:04")
}
