package entitlement

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// Entry says that an account looked at a unit's data and confirmed them before it
// entered a system for the unit (核对企业信息 → 确定). It holds for the version of the
// data that was shown.
type Entry struct {
	UnitID  string
	System  SystemID
	Version string
}

// Entries keeps what was confirmed; it is read with the visit (principal.Visit).
type Entries interface {
	// ConfirmEntries puts each of list in place of what the account confirmed before
	// for that unit and system, and records ev, together.
	ConfirmEntries(ctx context.Context, who account.ID, list []Entry, now time.Time, ev audit.Event) error
}

// DataVersion names what a unit's verified data are now: it changes with each of
// them, and with each verification, so that a change of the legal representative,
// whom the unit's row does not hold, is a new version as well.
func DataVersion(u account.Unit) string {
	h := sha256.New()
	for _, part := range []string{
		u.ID, string(u.USCC), u.Name, u.Type, u.Region, u.RegistrationAuthority, u.RealName.Status, u.RealName.ProcessID,
		strconv.FormatInt(u.RealName.VerifiedAt.UnixMilli(), 10),
	} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(part))) //nolint:gosec // values of a row
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Unconfirmed gives the systems that grants open and for which the data of u, as
// they are, were not confirmed yet: each once, in the order of the grants.
func Unconfirmed(grants []Grant, u account.Unit, confirmed []Entry) []SystemID {
	var out []SystemID
	version := DataVersion(u)
	for _, g := range grants {
		if !slices.Contains(out, g.System) && !slices.Contains(confirmed, Entry{UnitID: u.ID, System: g.System, Version: version}) {
			out = append(out, g.System)
		}
	}
	return out
}
