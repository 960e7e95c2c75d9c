package templates_test

import "kejitong/templates"

func enrollSamples() map[string]templates.Page {
	captcha := templates.Captcha{ID: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
	types := []string{"enterprise", "individual_business", "cooperative", "public_institution", "social_organization", "government", "mass_organization", "other"}
	areas := []string{"mainland", "hong_kong", "macao", "taiwan", "overseas"}
	ways := []templates.NextStep{{URL: "/login?window=legal_entity", Text: templates.T("register.sign_in")}, {URL: "/forgot", Text: templates.T("signin.forgot")}, {URL: "/appeal/unit", Text: templates.T("find.appeal")}}
	return map[string]templates.Page{
		"register":       templates.Register{PersonURL: "/register/person", UnitURL: "/register/unit", LoginURL: "/login"},
		"register_asked": templates.Register{Asks: system(), Told: templates.T("signup.over"), PersonURL: "/register/person", UnitURL: "/register/unit", LoginURL: "/login"},
		"register_mobile": templates.RegisterMobile{
			Captcha: captcha, TermsURL: "/register/terms", LoginURL: "/login", OtherURL: "/register/unit",
		},
		"register_mobile_wrong": templates.RegisterMobile{
			Legal: true, Mobile: `"><script>alert(1)</script>`, Terms: true, Captcha: templates.Captcha{ID: captcha.ID, Error: templates.T("challenge.captcha")},
			TermsURL: "/register/terms", PrivacyURL: "/privacy", LoginURL: "/login", OtherURL: "/register/person", Error: templates.T("challenge.too_many"),
			Wrongs: templates.Wrongs{{Field: "mobile", Text: templates.T("mobile.form")}, {Field: "adult", Text: templates.T("signup.adult")}},
		},
		"register_code":       templates.ProveMobile{To: "187****1111", Wait: 42, Captcha: captcha, StartURL: "/register/person"},
		"register_code_wrong": templates.ProveMobile{Legal: true, To: "187****1111", Captcha: templates.Captcha{ID: captcha.ID, Error: templates.T("challenge.captcha")}, Error: templates.T("challenge.code"), Told: templates.T("challenge.too_many"), StartURL: "/register/unit"},
		"register_account":    templates.RegisterAccount{Mobile: "187****1111", LoginName: "18711111111", Minimum: 8, Classes: true},
		"register_account_unit": templates.RegisterAccount{
			Legal: true, Mobile: "187****1111", Minimum: 15, Types: types, Areas: areas, LoginName: "91110108MA01ET88XL", UnitName: longName, USCC: "91110108MA01ET88XL",
			Type: "enterprise", Area: "mainland", Contact: "买买提·吐尔逊", Error: templates.T("signup.too_many"),
			Wrongs: templates.Wrongs{{Field: "uscc", Text: templates.T("signup.taken_uscc"), Next: ways}, {Field: "unit_name", Text: templates.T("signup.taken_name"), Next: ways}, {Field: "password", Text: templates.T("password.contains_own_data")}},
		},
		"registered":      templates.Registered{LoginName: "zhangsan", LoginURL: "/login?window=natural_person"},
		"registered_unit": templates.Registered{Legal: true, LoginName: "91110000MA0000000H", Doubt: true, LoginURL: "/login?window=legal_entity"},
		"terms":           templates.Terms{Version: "2026-11", Clauses: []string{"scope", "account", "data", "minors", "conduct", "changes"}},
		"find":            templates.FindLogin{Captcha: captcha, PersonURL: "/forgot/name", UnitURL: "/forgot/name?by=unit", AppealURL: "/appeal", ForgotURL: "/forgot"},
		"find_unit": templates.FindLogin{
			Legal: true, Captcha: captcha, USCC: "110108000000000", UnitName: longName, Mobile: "187", PersonURL: "/forgot/name", UnitURL: "/forgot/name?by=unit", AppealURL: "/appeal", ForgotURL: "/forgot",
			Wrongs: templates.Wrongs{{Field: "uscc", Text: templates.T("uscc.registration_number")}, {Field: "mobile", Text: templates.T("mobile.form")}},
		},
		"find_code": templates.ProveMobile{Find: true, To: "187****1111", Captcha: captcha, StartURL: "/forgot/name"},
		"found": templates.FoundLogins{Mobile: "187****1111", AppealURL: "/appeal", LoginURL: "/login", Logins: []templates.FoundLogin{
			{AccountType: "natural_person", LoginName: "138****0000"}, {AccountType: "legal_entity", LoginName: "91110108MA01ET88XL", Unit: longName, Frozen: true},
		}},
		"found_none": templates.FoundLogins{Mobile: "187****1111", RegisterURL: "/register", AppealURL: "/appeal", LoginURL: "/login"},
	}
}
