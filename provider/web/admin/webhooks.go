package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/fault"
	"kejitong/provider/operator"
	"kejitong/provider/webhook"
	"kejitong/templates"
)

// How many addresses, and how many deliveries, one page shows.
const (
	hooksPage      = 50
	deliveriesPage = 50
)

// changesHooks tells whether who looks may change the addresses.
func changesHooks(v visit) bool { return v.operator.Role == operator.SystemAdmin }

func hookLine(e webhook.Endpoint) templates.DeskHook {
	return templates.DeskHook{
		URL: "/admin/webhooks/" + e.ID, ID: e.ID, Address: e.URL, Client: e.Client, Events: texts(e.Events), State: string(e.Standing), Why: e.Why,
		Since: e.Since, Failing: e.FailingSince, Skipped: e.Skipped,
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// deliveryLine leaves the body out: it is not needed here, and who looks may have no
// business with accounts.
func deliveryLine(d webhook.Delivery) templates.DeskDelivery {
	return templates.DeskDelivery{
		ID: d.ID, Event: string(d.Event), State: string(d.State), Attempts: d.Attempts, Status: d.Status, Problem: d.Problem, CreatedAt: d.CreatedAt, TriedAt: d.TriedAt,
	}
}

func eventTicks(chosen []string) templates.DeskTicks {
	t := templates.DeskTicks{Name: "events", Chosen: chosen}
	for _, e := range webhook.Types() {
		t.Options = append(t.Options, templates.DeskOption{Value: string(e), Text: templates.Text{Key: "desk.hook.event." + string(e)}})
	}
	return t
}

// eventsOf are the boxes that were ticked.
func eventsOf(r *http.Request) (out []webhook.Type) {
	for _, e := range r.PostForm["events"] {
		out = append(out, webhook.Type(cut(e, 64)))
	}
	return out
}

// hookWrong gives the field of the form that a fault is about, "" for the top of the
// page, and its text; ok is false for what is no operator's doing.
func hookWrong(err error) (field string, text templates.Text, ok bool) {
	if f := fieldOf(err); f == "url" || f == "client_id" || f == "events" { // the fault's own words are for programs
		return map[string]string{"url": "hook_url", "client_id": "hook_client", "events": "events"}[f], templates.Text{Key: "desk.error.hook_" + f}, true
	}
	_, text, ok = told(err)
	return "", text, ok
}

// showWebhooks is GET /admin/webhooks.
func (h *Handler) showWebhooks(w http.ResponseWriter, r *http.Request, v visit) {
	h.webhooksPage(w, r, v, nil)
}

func (h *Handler) webhooksPage(w http.ResponseWriter, r *http.Request, v visit, wrong error) {
	ctx, place, after := r.Context(), "webhooks for "+v.operator.ID, ""
	if token := r.URL.Query().Get("page"); token != "" && h.openPage(place, token, &after) != nil {
		h.Web.Fail(w, r, fault.New(fault.NotFound, "no page of this operator's"))
		return
	}
	p, code := h.hooksForm(v, r), http.StatusOK
	if wrong != nil {
		field, text, ok := hookWrong(wrong)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.blame(field, text)
		code = statusOf(wrong)
	} else if r.URL.Query().Get("done") == "remove" {
		p.Done = templates.T("desk.hook.did_remove")
	}
	all, err := h.Hooks.Store.Endpoints(ctx, "", true, after, hooksPage+1)
	if err == nil && len(all) > hooksPage {
		all = all[:hooksPage]
		var token string
		token, err = h.sealPage(place, all[hooksPage-1].ID)
		p.Next = "/admin/webhooks?page=" + token
	}
	for _, e := range all {
		line := hookLine(e)
		var last []webhook.Delivery
		if err == nil {
			last, err = h.Hooks.Store.Deliveries(ctx, e.ID, webhook.Newest(), "", 1)
		}
		if len(last) > 0 {
			l := deliveryLine(last[0])
			line.Last = &l
		}
		p.Hooks = append(p.Hooks, line)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, code, p.DeskWebhooks)
}

// hooksForm is the page with the form of a new address as it was typed.
type hooksForm struct{ templates.DeskWebhooks }

func (h *Handler) hooksForm(v visit, r *http.Request) hooksForm {
	f := r.PostForm
	p := hooksForm{templates.DeskWebhooks{Desk: h.frame(v, "webhooks"), Changes: changesHooks(v), Draft: webhook.NewID(), Events: eventTicks(texts(eventsOf(r)))}}
	p.Fields = []templates.DeskField{
		{Name: "hook_url", Value: cut(f.Get("hook_url"), 2048), Max: 2048, Hint: templates.T("desk.hint.hook_url")},
		{Name: "hook_client", Value: short(f.Get("hook_client")), Max: 128, Free: true, Hint: templates.T("desk.hint.hook_client")},
	}
	return p
}

// blame puts a text to its field, and into the list of what is wrong.
func (p *hooksForm) blame(field string, text templates.Text) {
	w := templates.Wrong{Field: "f-" + field, Text: text}
	if field == "" {
		w.Field = "main"
	}
	p.Wrongs = append(p.Wrongs, w)
	for i := range p.Fields {
		if p.Fields[i].Name == field {
			p.Fields[i].Why = text
		}
	}
	if p.Events.Name == field {
		p.Events.Why = &w
	}
}

// addWebhook is POST /admin/webhooks. The secret is in the answer and nowhere else;
// the same form once more adds nothing.
func (h *Handler) addWebhook(w http.ResponseWriter, r *http.Request, v visit) {
	f := r.PostForm
	e, err := h.Hooks.Add(r.Context(), v.operator.ID, short(f.Get("draft")), short(f.Get("hook_client")), cut(f.Get("hook_url"), 2049), eventsOf(r))
	if err != nil {
		h.webhooksPage(w, r, v, err)
		return
	}
	h.showHookSecret(w, r, v, e)
}

func (h *Handler) showHookSecret(w http.ResponseWriter, r *http.Request, v visit, e webhook.Endpoint) {
	h.Web.Show(w, r, http.StatusOK, templates.DeskWebhookSecret{
		Desk: h.frame(v, "webhooks"), URL: "/admin/webhooks/" + e.ID, Address: e.URL, Secret: webhook.Text(e.Secret), FormerUntil: e.FormerUntil,
	})
}

// showWebhook is GET /admin/webhooks/{id}.
func (h *Handler) showWebhook(w http.ResponseWriter, r *http.Request, v visit) {
	h.webhookPage(w, r, v, nil)
}

func (h *Handler) webhookPage(w http.ResponseWriter, r *http.Request, v visit, wrong error) {
	ctx := r.Context()
	e, err := h.Hooks.Store.Endpoint(ctx, mux.Vars(r)["id"])
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.DeskWebhook{
		Desk: h.frame(v, "webhooks"), Of: hookLine(e), Version: e.Version, AddedAt: e.CreatedAt, Changes: changesHooks(v), Events: eventTicks(texts(e.Events)),
	}
	if h.Now().Before(e.FormerUntil) {
		p.FormerUntil = e.FormerUntil
	}
	code := http.StatusOK
	if wrong != nil {
		field, text, ok := hookWrong(wrong)
		switch {
		case !ok:
			h.Web.Fail(w, r, wrong)
			return
		case field == "events":
			p.Events = eventTicks(texts(eventsOf(r)))
			p.Events.Why = &templates.Wrong{Field: "f-events", Text: text}
		case fieldOf(wrong) == "sure":
			p.Why = text
		default:
			p.Error = text
		}
		code = statusOf(wrong)
	} else if done := r.URL.Query().Get("done"); slices.Contains([]string{"events", "pause", "resume", "again"}, done) {
		p.Done = templates.Text{Key: "desk.hook.did_" + done}
	}
	if e.Standing != webhook.Active {
		p.Held, err = h.Hooks.Store.HeldFor(ctx, e.ID, webhook.MaxHeld+1)
		if p.HeldMore = p.Held > webhook.MaxHeld; p.HeldMore {
			p.Held = webhook.MaxHeld
		}
	}
	if err == nil {
		err = h.fillDeliveries(ctx, r, v, &p, e)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, code, p)
}

// passed is where a page of the log ended.
type passed struct {
	At int64  `json:"a"`
	ID string `json:"i"`
}

func (h *Handler) fillDeliveries(ctx context.Context, r *http.Request, v visit, p *templates.DeskWebhook, e webhook.Endpoint) error {
	place, before, last := "deliveries of "+e.ID+" for "+v.operator.ID, webhook.Newest(), passed{}
	if token := r.URL.Query().Get("page"); token != "" {
		if h.openPage(place, token, &last) != nil {
			return fault.New(fault.NotFound, "no page of this operator's")
		}
		before = time.UnixMilli(last.At)
	}
	all, err := h.Hooks.Store.Deliveries(ctx, e.ID, before, last.ID, deliveriesPage+1)
	if err != nil {
		return err
	}
	if len(all) > deliveriesPage {
		all = all[:deliveriesPage]
		end := all[deliveriesPage-1]
		token, err := h.sealPage(place, passed{end.CreatedAt.UnixMilli(), end.ID})
		if err != nil {
			return err
		}
		p.Next = p.Of.URL + "?page=" + token + "#log"
	}
	for _, d := range all {
		line := deliveryLine(d)
		line.Again = p.Changes && e.Standing == webhook.Active && d.State.Over()
		p.Deliveries = append(p.Deliveries, line)
	}
	return nil
}

// changeWebhook is POST /admin/webhooks/{id}.
func (h *Handler) changeWebhook(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, id, by, f := r.Context(), mux.Vars(r)["id"], v.operator.ID, r.PostForm
	version, err := strconv.ParseInt(f.Get("version"), 10, 64)
	if err != nil || version < 1 {
		version = -1 // which none ever has
	}
	deed := f.Get("deed")
	var e webhook.Endpoint
	switch deed {
	case "events":
		e, err = h.Hooks.Ask(ctx, by, id, version, eventsOf(r))
	case "pause":
		e, err = h.Hooks.Pause(ctx, by, id, version)
	case "resume":
		e, _, err = h.Hooks.Resume(ctx, by, id, version)
	case "rotate":
		if e, err = h.Hooks.Rotate(ctx, by, id, version); err == nil {
			h.showHookSecret(w, r, v, e)
			return
		}
	case "remove":
		if err = h.removeWebhook(ctx, by, id, f.Get("sure") == "1"); err == nil {
			see(w, "/admin/webhooks?done=remove")
			return
		}
	default:
		err = &fault.Error{Kind: fault.Invalid, Field: "deed", Msg: "desk.error.deed"}
	}
	if err != nil {
		h.webhookPage(w, r, v, err)
		return
	}
	see(w, "/admin/webhooks/"+e.ID+"?done="+deed)
}

func (h *Handler) removeWebhook(ctx context.Context, by, id string, sure bool) error {
	if !sure {
		return &fault.Error{Kind: fault.Invalid, Field: "sure", Msg: "desk.error.hook_sure"}
	}
	return h.Hooks.Remove(ctx, by, id)
}

// redeliver is POST /admin/webhooks/{id}/deliveries/{delivery}.
func (h *Handler) redeliver(w http.ResponseWriter, r *http.Request, v visit) {
	id := mux.Vars(r)["id"]
	if err := h.Hooks.Redeliver(r.Context(), v.operator.ID, id, mux.Vars(r)["delivery"]); err != nil {
		h.webhookPage(w, r, v, err)
		return
	}
	see(w, "/admin/webhooks/"+id+"?done=again")
}

// silent counts the addresses that are told nothing because they failed.
func (h *Handler) silent(ctx context.Context) ([]templates.DeskTile, error) {
	all, err := h.Hooks.Store.DisabledEndpoints(ctx, heap)
	if err != nil {
		return nil, err
	}
	t := templates.DeskTile{Key: "webhooks", URL: "/admin/webhooks", More: len(all) == heap}
	for _, e := range all {
		h.count(&t, e.Since)
	}
	return []templates.DeskTile{t}, nil
}
