package interact

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/challenge"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/credential"
	"kejitong/provider/device"
	"kejitong/provider/entitlement"
	"kejitong/provider/factor"
	"kejitong/provider/keys"
	"kejitong/provider/parting"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
)

// Catalogue lists the business systems.
type Catalogue interface {
	Systems(ctx context.Context) ([]entitlement.System, error)
}

// Recorder writes what happened without another write beside it.
type Recorder interface {
	Record(ctx context.Context, ev audit.Event) error
}

// Finder finds accounts by what is verified of them.
type Finder interface {
	AccountsBy(ctx context.Context, by account.By, value string) ([]account.ID, error)
}

// Ways are pages of other surfaces that the sign-in page leads to; each is shown
// if it is set.
type Ways struct{ Forgot, ForgotName, Register, Lookup string }

// Waker makes the outbox look for work now.
type Waker interface{ Wake() }

// Handler serves the pages. All fields must be set before Mount.
type Handler struct {
	Web         *web.Kit
	Issuer      string
	Flow        authflow.Store
	Devices     device.Store // nil: no device signs in here
	Sessions    *session.Service
	Visitors    *visitor.Hall
	Credentials *credential.Service
	Principals  principal.Reader
	Clients     *client.Registry
	Consents    consent.Store
	Parting     *parting.Service
	Systems     Catalogue
	Entries     entitlement.Entries
	Factors     *factor.Service
	Captchas    *challenge.Easel
	Codes       challenge.Codes
	Accounts    Finder
	Tests       Tests // nil: there are no sandboxes
	Ways        Ways
	Audit       Recorder
	Rights      Rights  // nil: nothing is earned here
	Chosen      Choices // nil: what was chosen in earlier sessions is not known
	Keys        func() *keys.Snapshot
	Outbox      Waker
	Now         func() time.Time
	Log         *slog.Logger
}

// Rights gives an account what the catalogue opened to it meanwhile, and tells
// whether anything came.
type Rights interface {
	CatchUp(ctx context.Context, a account.Account, u *account.Unit, catalogue []entitlement.System, had []entitlement.Grant) (bool, error)
}

// Tests verifies the real name of test accounts, and of nobody else.
type Tests interface {
	// VerifyTest gives fault.NotFound for whoever is real or verified already, and
	// fault.Conflict for who is verified on another account.
	VerifyTest(ctx context.Context, id account.ID) error
}

// Mount adds the pages to r. Everything that is posted passes web.Kit.Guard.
func (h *Handler) Mount(r *mux.Router) {
	page := func(path string, get, post http.Handler) {
		r.Handle(path, get).Methods(http.MethodGet, http.MethodHead)
		if post != nil {
			r.Handle(path, h.Web.Guard(post)).Methods(http.MethodPost)
		}
	}
	page("/login", h.within(optional, h.showSignIn), h.within(optional, h.signIn))
	page("/login/sms", h.within(optional, h.showSMS), h.within(optional, h.signInSMS))
	page("/login/password", h.within(optional, h.showNewPassword), h.within(optional, h.newPassword))
	page("/login/factor", h.within(optional, h.showFactor), h.within(optional, h.factor))
	page("/login/account", h.within(required, h.showAccount), h.within(required, h.selectAccount))
	page("/login/unit", h.within(required, h.showUnits), h.within(required, h.chooseUnit))
	page("/login/entry", h.within(required, h.showEntry), h.within(required, h.confirmEntry))
	page("/consent", h.within(required, h.showConsent), h.within(required, h.decideConsent))
	page("/refused", h.within(required, h.showRefused), h.within(required, h.leaveRefused))
	page("/logout", h.leaving(h.showSignOut), h.leaving(h.signOut))
	page("/logout/done", http.HandlerFunc(h.showSignedOut), nil)
	r.HandleFunc(parting.Path, h.showParting).Methods(http.MethodGet) // HEAD would take what it does not show
	if h.Devices != nil {
		page("/device", http.HandlerFunc(h.showDevice), http.HandlerFunc(h.enterDevice))
		page("/device/done", http.HandlerFunc(h.showDeviceDone), nil)
	}
	page("/captcha/{id}.png", http.HandlerFunc(h.captchaPicture), nil)
	page("/captcha/{id}.wav", http.HandlerFunc(h.captchaSound), nil)
	page("/", http.HandlerFunc(h.home), nil)
}
