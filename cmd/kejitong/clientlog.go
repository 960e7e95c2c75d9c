package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"kejitong/provider/diagnosis"
)

// loggedFailure is what client log prints of one failure.
type loggedFailure struct {
	At       time.Time      `json:"at"`
	Kind     diagnosis.Kind `json:"kind"`
	Endpoint string         `json:"endpoint"`
	Error    string         `json:"error,omitempty"`
	Expected string         `json:"expected"`
	Received string         `json:"received"`
	Request  string         `json:"request_id"`
}

// clientLog prints what the client's team sees in its console.
func clientLog(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("client log", out)
	id := f.String("id", "", "client id")
	f.StringVar(id, "client", "", "the same")
	kind := f.String("kind", "", "of this kind alone, such as redirect_uri")
	limit := f.Int("limit", 100, "at most so many, the newest first")
	if err := f.read(args); err != nil {
		return err
	}
	if k := diagnosis.Kind(*kind); k != "" && !k.Known() {
		return refuse("kind", *kind, fmt.Sprintf("the kinds are %v", diagnosis.Kinds()))
	}
	return inVault(ctx, f.config, func(a *app) error {
		c, err := findClient(ctx, a, *id)
		if err != nil {
			return err
		}
		events, err := a.db.Diagnoses(ctx, c.ID, diagnosis.Kind(*kind), min(max(*limit, 1), 1000))
		if err != nil {
			return err
		}
		list := []loggedFailure{}
		var text strings.Builder
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "AT\tKIND\tERROR\tEXPECTED\tRECEIVED\tENDPOINT\tREQUEST")
		for _, e := range events {
			list = append(list, loggedFailure{e.At, e.Kind, e.Endpoint, e.Error, e.Expected, e.Received, e.Request})
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Format(time.RFC3339), e.Kind, e.Error, e.Expected, e.Received, e.Endpoint, e.Request)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return f.print(list, text.String())
	})
}
