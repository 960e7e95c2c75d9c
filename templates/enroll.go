package templates

// Wrong is what is wrong with one field of a form: it stands at the field and, as
// a link to it, in the summary above. Next are ways on where the field is right
// and still cannot be had.
type Wrong struct {
	Field string // id of the field
	Text  Text
	Next  []NextStep
}

// NextStep is a link out of a page.
type NextStep struct {
	URL  string // a path of ours
	Text Text
}

// Wrongs are the faults of a form.
type Wrongs []Wrong

// At is what is wrong with a field, nil if nothing is.
func (w Wrongs) At(field string) *Wrong {
	for i := range w {
		if w[i].Field == field {
			return &w[i]
		}
	}
	return nil
}

// Register is /register: whose account shall it be?
type Register struct {
	Asks                         *System // who asked for a registration, if anybody
	PersonURL, UnitURL, LoginURL string
	Told                         Text // why one is here again
}

// Name, Title and Interaction make Register a Page.
func (Register) Name() string      { return "enroll/register" }
func (Register) Title() Text       { return T("register.title") }
func (Register) Interaction() bool { return false }

// Formless: there are links alone.
func (Register) Formless() bool { return true }

// RegisterMobile is the first step of a registration: whose mobile is it? It
// posts mobile, terms=yes, adult=yes and the captcha.
type RegisterMobile struct {
	Legal        bool // a unit's account
	Mobile       string
	Terms, Adult bool // ticked
	Captcha      Captcha
	Wrongs       Wrongs
	Error        Text // above the form
	TermsURL     string
	PrivacyURL   string // no link if empty
	LoginURL     string
	OtherURL     string // the other kind's form
}

// Name, Title and Interaction make RegisterMobile a Page.
func (RegisterMobile) Name() string      { return "enroll/mobile" }
func (RegisterMobile) Interaction() bool { return false }

// Title says which kind of account it is about.
func (p RegisterMobile) Title() Text { return registerTitle(p.Legal) }

func registerTitle(legal bool) Text {
	if legal {
		return T("register.unit")
	}
	return T("register.person")
}

// ProveMobile asks for the code that went to a mobile, on the way to a new
// account or to a forgotten login name. It posts code; a second form, with a
// captcha, posts send=code and asks for another one.
type ProveMobile struct {
	Find     bool // 忘记登录名
	Legal    bool
	To       string // masked
	Wait     int    // seconds until another code may be asked for
	Captcha  Captcha
	Error    Text // of the code
	Told     Text // above: nothing, or what became of a wish for another code
	StartURL string
}

// Name, Title and Interaction make ProveMobile a Page.
func (ProveMobile) Name() string      { return "enroll/code" }
func (ProveMobile) Interaction() bool { return false }

// Title says what the code is for.
func (p ProveMobile) Title() Text {
	if p.Find {
		return T("find.title")
	}
	return registerTitle(p.Legal)
}

// RegisterAccount is the last form of a registration. It posts login_name,
// password, password_again and of a unit unit_name, uscc, unit_type, area,
// contact.
type RegisterAccount struct {
	Legal     bool
	Mobile    string // masked
	LoginName string
	UnitName  string
	USCC      string
	Type      string
	Types     []string // message unit_type.<type>
	Area      string
	Areas     []string // message area.<area>
	Contact   string
	Minimum   int  // characters of a password
	Classes   bool // three of four classes
	Wrongs    Wrongs
	Error     Text // above the form
}

// Name, Title and Interaction make RegisterAccount a Page.
func (RegisterAccount) Name() string      { return "enroll/account" }
func (RegisterAccount) Interaction() bool { return false }

// Title says which kind of account it is about.
func (p RegisterAccount) Title() Text { return registerTitle(p.Legal) }

// Registered says that there is an account and what comes next.
type Registered struct {
	Legal     bool
	LoginName string
	Doubt     bool // the USCC's inner check digit is wrong
	LoginURL  string
}

// Name, Title, Interaction and Formless make Registered a Page.
func (Registered) Name() string      { return "enroll/done" }
func (Registered) Title() Text       { return T("registered.title") }
func (Registered) Interaction() bool { return false }
func (Registered) Formless() bool    { return true }

// Terms is the user agreement, clause by clause: messages terms.<n>.title and
// terms.<n>.text.
type Terms struct {
	Version string
	Clauses []string
}

// Name, Title, Interaction and Formless make Terms a Page.
func (Terms) Name() string      { return "enroll/terms" }
func (Terms) Title() Text       { return T("terms.title") }
func (Terms) Interaction() bool { return false }
func (Terms) Formless() bool    { return true }

// FindLogin is the first step of 忘记登录名. It posts mobile and the captcha, and
// for a unit uscc and unit_name.
type FindLogin struct {
	Legal                bool
	Mobile               string
	USCC                 string
	UnitName             string
	Captcha              Captcha
	Wrongs               Wrongs
	Error                Text
	PersonURL, UnitURL   string // the two tabs
	AppealURL, ForgotURL string
}

// Name, Title and Interaction make FindLogin a Page.
func (FindLogin) Name() string      { return "enroll/find" }
func (FindLogin) Title() Text       { return T("find.title") }
func (FindLogin) Interaction() bool { return false }

// FoundLogins are the login names of a proved mobile. The button of one posts
// login=<its number> and leads to its window.
type FoundLogins struct {
	Mobile      string // masked
	Logins      []FoundLogin
	RegisterURL string
	AppealURL   string
	LoginURL    string
}

// FoundLogin is one of them.
type FoundLogin struct {
	AccountType string
	LoginName   string // masked where it is another mobile number
	Unit        string
	Frozen      bool
}

// Name, Title and Interaction make FoundLogins a Page.
func (FoundLogins) Name() string      { return "enroll/found" }
func (FoundLogins) Title() Text       { return T("find.title") }
func (FoundLogins) Interaction() bool { return false }

// Formless tells whether nothing was found, so that there is no button.
func (p FoundLogins) Formless() bool { return len(p.Logins) == 0 }

// Stage is one of the steps of a procedure, as the line above its pages shows
// them.
type Stage struct {
	Text      Text
	Now, Past bool
}

func stages(now int, keys ...Text) []Stage {
	out := make([]Stage, len(keys))
	for i, k := range keys {
		out[i] = Stage{Text: k, Now: i == now, Past: i < now}
	}
	return out
}

func registerStages(now int) []Stage {
	return stages(now, T("register.step_mobile"), T("register.step_account"), T("register.step_done"))
}

// Stages are the steps of a registration, or of a search.
func (RegisterMobile) Stages() []Stage  { return registerStages(0) }
func (RegisterAccount) Stages() []Stage { return registerStages(1) }
func (Registered) Stages() []Stage      { return registerStages(2) }
func (p ProveMobile) Stages() []Stage {
	if p.Find {
		return findStages(1)
	}
	return registerStages(0)
}
func (FindLogin) Stages() []Stage   { return findStages(0) }
func (FoundLogins) Stages() []Stage { return findStages(2) }

func findStages(now int) []Stage {
	return stages(now, T("find.step_data"), T("find.step_code"), T("find.step_names"))
}
