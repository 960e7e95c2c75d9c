package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"kejitong/provider/account"
)

// accountList lists accounts by login name, masked: enough to find one, not to
// copy a register.
func accountList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("account list", out)
	limit := f.Int("limit", 50, "how many at most, 1 to 1000")
	after := f.String("after", "", "go on after this login name")
	if err := f.read(args); err != nil {
		return err
	}
	if *limit < 1 || *limit > 1000 {
		return refuse("limit", strconv.Itoa(*limit), "want 1 to 1000")
	}
	key := ""
	if *after != "" {
		var err error
		if key, err = account.NormaliseLogin(*after); err != nil {
			return explain("after", *after, err)
		}
	}
	return inVault(ctx, f.config, func(a *app) error {
		found, err := a.db.Accounts(ctx, key, *limit)
		if err != nil {
			return err
		}
		list := []accountReport{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "LOGIN\tKIND\tSTATE\tREAL NAME\tPHONE\tNAME")
		for _, one := range found {
			r := reportAccount(one)
			list = append(list, r)
			fmt.Fprintf(w, "%s\t%s\t%s\t%s %s\t%s\t%s\n", r.Login, r.Kind, r.State, r.RealName, r.Level, r.Phone, r.Name)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}
