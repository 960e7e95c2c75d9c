package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/session"
)

// accountCommand is what an operator does to accounts.
func accountCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "account", []command{
		{"add", "enter a natural person or a legal entity: --kind K --login NAME …", accountAdd},
		{"list", "list accounts, masked: [--limit N] [--after LOGIN]", accountList},
		{"freeze", "end its sessions and let nobody in: --login NAME", accountFreeze},
		{"unfreeze", "let it in again: --login NAME", accountUnfreeze},
		{"password", "replace a password and end the sessions: --login NAME [--password-file F | --generate-password]", accountPassword},
		{"withdraw", "withdraw its consent to a relying party, with every token that came of it: --login NAME --client ID", accountWithdraw},
	}, args, out)
}

// accountReport is what the commands print of an account: enough to recognise
// it, nothing that identifies its owner.
type accountReport struct {
	ID       account.ID    `json:"id"`
	Login    string        `json:"login_name"`
	Kind     account.Kind  `json:"kind"`
	State    account.State `json:"state"`
	RealName string        `json:"realname_status"`
	Level    string        `json:"realname_level"`
	Name     string        `json:"name,omitempty"`  // masked, of a unit in full
	Phone    string        `json:"phone,omitempty"` // masked
	Password string        `json:"password,omitempty"`
	Sessions *int          `json:"sessions_ended,omitempty"`
}

func reportAccount(a account.Account) accountReport {
	r := accountReport{ID: a.ID, Login: a.LoginName, Kind: a.Kind, State: a.State, RealName: a.RealName.Status, Level: a.RealName.Level, Name: a.Profile.Name}
	if a.Kind == account.NaturalPerson {
		r.Name = account.MaskName(a.Profile.Name)
	}
	if a.Profile.Phone != "" {
		r.Phone = account.MaskMobile(a.Profile.Phone)
	}
	return r
}

func (r accountReport) text(did string) string {
	s := fmt.Sprintf("account %s %s: %s, %s, %s %s, id %s", r.Login, did, r.Kind, r.State, r.RealName, r.Level, r.ID)
	if r.Sessions != nil && *r.Sessions > 0 {
		s += fmt.Sprintf("\nsessions ended: %d", *r.Sessions)
	}
	if r.Password != "" {
		s += "\npassword (shown this once): " + r.Password
	}
	return s
}

// findAccount gives the account with the login name in any spelling.
func findAccount(ctx context.Context, a *app, login string) (account.Account, error) {
	if strings.TrimSpace(login) == "" {
		return account.Account{}, missing("login", "the name that the account signs in with")
	}
	key, err := account.NormaliseLogin(login)
	if err != nil {
		return account.Account{}, explain("login", login, err)
	}
	found, err := a.db.AccountByLogin(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return account.Account{}, refuse("login", login, "there is no such account; kejitong account add makes one")
	}
	return found, err
}

func accountFreeze(ctx context.Context, args []string, out io.Writer) error {
	return setState(ctx, "freeze", args, out, func(ctx context.Context, a *app, found account.Account) error {
		return a.db.FreezeAccount(ctx, found.ID, now(), deed(audit.AccountChanged, string(found.ID), "frozen"))
	})
}

func accountUnfreeze(ctx context.Context, args []string, out io.Writer) error {
	return setState(ctx, "unfreeze", args, out, func(ctx context.Context, a *app, found account.Account) error {
		if found.State == account.Active {
			return nil
		}
		return a.db.SetAccountState(ctx, found.ID, account.Active, deed(audit.AccountChanged, string(found.ID), "unfrozen"))
	})
}

func setState(ctx context.Context, verb string, args []string, out io.Writer, do func(context.Context, *app, account.Account) error) error {
	f := newSheet("account "+verb, out)
	login := f.String("login", "", "name that the account signs in with")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		found, err := findAccount(ctx, a, *login)
		if err != nil {
			return err
		}
		if found.State == account.Closed {
			return refuse("login", *login, "was closed by its owner, which is for good; enter a new account")
		}
		if err := do(ctx, a, found); err != nil {
			return err
		}
		if found, err = a.db.AccountByLogin(ctx, found.LoginKey); err != nil {
			return err
		}
		r := reportAccount(found)
		return f.print(r, r.text(verb+" done"))
	})
}

// accountPassword is the operator's reset: the old password, what was signed in
// with it and the count of wrong guesses go together.
func accountPassword(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("account password", out)
	var source passwordSource
	source.flags(f.FlagSet)
	login := f.String("login", "", "name that the account signs in with")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		found, err := findAccount(ctx, a, *login)
		if err != nil {
			return err
		}
		text, made, err := source.password(a.policy(), knownBy(found)...)
		if err != nil {
			return err
		}
		phc, err := a.hasher.Hash(ctx, text)
		if err != nil {
			return err
		}
		var ended []session.Ended
		err = a.db.InTx(ctx, func(ctx context.Context) error {
			if err := a.db.SetPassword(ctx, found.ID, phc, false, deed(audit.PasswordChanged, string(found.ID), "reset")); err != nil {
				return err
			}
			var err error
			ended, err = a.db.EndSessions(ctx, session.Which{Account: found.ID}, now(), deed(audit.SessionEnded, string(found.ID), "password reset"))
			return err
		})
		if err != nil {
			return err
		}
		counted := a.credentials().Keys(found.LoginName, "")
		if err := a.db.Refund(ctx, credential.Keys{Account: counted.Account}, now()); err != nil {
			return err
		}
		r, n := reportAccount(found), len(ended)
		r.Sessions = &n
		if made {
			r.Password = text
		}
		return f.print(r, r.text("has a new password"))
	})
}

// withdrawalReport is what is printed of a withdrawn consent.
type withdrawalReport struct {
	ID     account.ID `json:"id"`
	Login  string     `json:"login_name"`
	Client string     `json:"client_id"`
}

// accountWithdraw is for who asks the platform to take his consent back.
func accountWithdraw(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("account withdraw", out)
	login := f.String("login", "", "name that the account signs in with")
	id := f.String("client", "", "id of the relying party")
	if err := f.read(args); err != nil {
		return err
	}
	if strings.TrimSpace(*id) == "" {
		return missing("client", "the id of the relying party; kejitong client list shows them")
	}
	return inVault(ctx, f.config, func(a *app) error {
		found, err := findAccount(ctx, a, *login)
		if err != nil {
			return err
		}
		if _, err := a.db.Client(ctx, *id); fault.Is(err, fault.NotFound) {
			return refuse("client", *id, "there is no such relying party; kejitong client list shows them")
		} else if err != nil {
			return err
		}
		ev := deed(audit.ConsentWithdrawn, string(found.ID), "")
		ev.Client = *id
		if err := a.db.WithdrawConsent(ctx, found.ID, *id, now(), ev); fault.Is(err, fault.NotFound) {
			return refuse("client", *id, "has neither a consent nor a living token of this account")
		} else if err != nil {
			return err
		}
		return f.print(withdrawalReport{found.ID, found.LoginName, *id},
			fmt.Sprintf("%s no longer consents to %s; its tokens have ended, and it is told to sign the account out", found.LoginName, *id))
	})
}

// policy is the rule for passwords, which nobody may take from the platform's
// own name.
func (a *app) policy() credential.Policy {
	return credential.Policy{Deny: []string{a.cfg.Platform.NameZH, a.cfg.Platform.NameEN, "kejitong", "科技通"}}
}

// knownBy is what the account's password must not contain.
func knownBy(a account.Account) []string {
	p := a.Profile
	known := []string{a.LoginName, p.Name, p.Phone, p.IDNumber, p.Email}
	for _, somebody := range []*account.Person{p.LegalRep, p.Contact} {
		if somebody != nil {
			known = append(known, somebody.Name, somebody.IDNumber, somebody.Phone)
		}
	}
	return known
}
