package relyingparty

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// login starts a sign-in. It is also our initiate_login_uri, where a portal
// sends people with iss, login_hint and target_link_uri (OIDC Core 4).
func (v *server) login(w http.ResponseWriter, r *http.Request) {
	if to, wrong := v.misnamed(r); wrong {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	if err := r.ParseForm(); err != nil {
		v.refuse(w, r, badLoginRequest("请求无法读取。"))
		return
	}
	wish, why := v.wishOf(r.Form)
	if why != "" {
		v.refuse(w, r, badLoginRequest(why))
		return
	}
	p, err := v.discovery.find(r.Context())
	if err != nil {
		v.refuse(w, r, providerDown(r, err))
		return
	}
	a := attempt{State: secret(), Nonce: secret(), Verifier: oauth2.GenerateVerifier(),
		Silent: wish.prompt == "none", Unit: wish.unit, Target: wish.target, Began: v.Now().Unix()}
	v.makeRoom(w, r)
	if err := v.keep(w, a); err != nil {
		v.refuse(w, r, ownFault(err))
		return
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier), oidc.Nonce(a.Nonce)}
	for name, value := range map[string]string{"prompt": wish.prompt, "login_hint": wish.person, "org_hint": wish.unit,
		"acr_values": strings.Join(v.ACRValues, " ")} {
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	http.Redirect(w, r, v.oauth(p).AuthCodeURL(a.State, options...), http.StatusSeeOther)
}

type wish struct{ prompt, person, unit, target string }

var usccShape = regexp.MustCompile(`^[0-9A-Z]{18}$`)

// wishOf reads what the caller of /login may ask for; the text says what is
// wrong with it.
func (v *server) wishOf(form url.Values) (wish, string) {
	for _, name := range []string{"prompt", "login_hint", "org_hint", "iss", "target_link_uri"} {
		if len(form[name]) > 1 {
			return wish{}, "参数 " + name + " 重复。"
		}
	}
	w := wish{prompt: form.Get("prompt"), person: form.Get("login_hint"), unit: form.Get("org_hint")}
	prompts := strings.Fields(w.prompt)
	for _, p := range prompts {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, p) {
			return wish{}, "参数 prompt 的取值不受支持。"
		}
	}
	switch {
	case len(prompts) > 1 && slices.Contains(prompts, "none"):
		return wish{}, "prompt=none 不能与其他取值同时使用。"
	case len(w.person) > 256:
		return wish{}, "参数 login_hint 过长。"
	case w.unit != "" && !usccShape.MatchString(w.unit):
		return wish{}, "参数 org_hint 应为 18 位统一社会信用代码。"
	case form.Has("iss") && form.Get("iss") != v.Issuer:
		// OIDC Core 4: a third party must not choose the provider for us.
		return wish{}, "发起登录的平台不是本系统所接入的平台。"
	}
	target, ok := v.landing(form.Get("target_link_uri"))
	if !ok {
		return wish{}, "参数 target_link_uri 不是本系统的页面。"
	}
	w.target = target
	return w, ""
}

// landing turns a target_link_uri into a path of ours. OIDC Core 4 asks that
// it be no open redirector; this system has one page to land on.
func (v *server) landing(raw string) (string, bool) {
	if raw == "" {
		return "", true
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != v.base.Scheme || u.Host != v.base.Host || u.User != nil || (u.Path != "" && u.Path != "/") || len(raw) > 1024 {
		return "", false
	}
	return (&url.URL{Path: "/", RawQuery: u.Query().Encode()}).String(), true
}

func (v *server) oauth(p *provider) *oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	scopes := v.Scopes
	if !slices.Contains(scopes, oidc.ScopeOpenID) {
		scopes = append([]string{oidc.ScopeOpenID}, scopes...)
	}
	return &oauth2.Config{ClientID: v.ClientID, ClientSecret: v.ClientSecret, Endpoint: endpoint,
		RedirectURL: v.BaseURL + "/cb", Scopes: scopes}
}

// outbound is the context for requests to the provider.
func (v *server) outbound(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, v.client)
}
