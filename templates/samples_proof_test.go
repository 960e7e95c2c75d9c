package templates_test

import (
	"time"

	"kejitong/templates"
)

func proofSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	hidden := map[string]string{"interaction": "ia_4kPz"}
	const id = "lV5I_SmNnTonYvhua4jxuJSivv6S1cDzZyH8pzbQGVs"
	return map[string]templates.Page{
		"signin_captcha": templates.SignIn{
			Asks: system(), Window: templates.NaturalPerson, NaturalPersonURL: "/login", LegalEntityURL: "/login?window=legal_entity",
			Username: "zhangsan", Error: templates.T("signin.error.bad_credentials"), Hidden: hidden, Captcha: templates.Captcha{ID: id},
			Cancel: true, SMSURL: "/login/sms", ForgotURL: "/forgot", ForgotNameURL: "/forgot/name", LookupURL: "/lookup", RegisterURL: "/register",
		},
		"signin_captcha_wrong": templates.SignIn{
			Window: templates.LegalEntity, NaturalPersonURL: "/login", LegalEntityURL: "/login?window=legal_entity", Username: "91110108MA01ET88XL",
			Error: templates.T("signin.error.use_code"), Captcha: templates.Captcha{ID: id, Error: templates.T("challenge.captcha")}, ForgotURL: "/forgot",
		},
		"signin_sms": templates.SignInSMS{
			Asks: system(), Captcha: templates.Captcha{ID: id}, PasswordURL: "/login", AgainURL: "/login/sms", Hidden: hidden, Cancel: true,
		},
		"signin_sms_refused": templates.SignInSMS{
			Username: `"><script>alert(1)</script>`, Error: templates.T("challenge.too_many"), Captcha: templates.Captcha{ID: id, Error: templates.T("challenge.no_captcha")},
			PasswordURL: "/login", AgainURL: "/login/sms",
		},
		"signin_sms_sent": templates.SignInSMS{Sent: true, Username: "zhangsan", PasswordURL: "/login", AgainURL: "/login/sms", Asks: system(), Hidden: hidden, Cancel: true},
		"signin_sms_wrong": templates.SignInSMS{
			Sent: true, Username: "zhangsan", CodeError: templates.T("challenge.code"), SharedComputer: true, PasswordURL: "/login", AgainURL: "/login/sms",
		},
		"outbox": templates.Outbox{JSONURL: "/outbox.json", Messages: []templates.OutMessage{
			{To: "+8618700001111", Text: "验证码 204816，您正在重设密码，5 分钟内有效。请勿告知他人；如非本人操作，请忽略。", Code: "204816", At: at},
			{To: "somebody.with.a.rather.long.name@science.example.cn", Email: true, Subject: "密码已修改", Text: `"><script>alert(1)</script>`, At: at},
		}},
		"outbox_empty": templates.Outbox{JSONURL: "/outbox.json"},
	}
}
