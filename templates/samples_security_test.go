package templates_test

import (
	"time"

	"kejitong/templates"
)

func securitySamples() map[string]templates.Page {
	hidden := map[string]string{"proof": "pr_4kPz", "way": "totp"}
	at := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	ways := []templates.Way{
		{Name: "totp", URL: "/login/factor?proof=1&way=totp"}, {Name: "passkey", URL: "/login/factor?proof=1&way=passkey"},
		{Name: "sms", URL: "/login/factor?proof=1&way=sms"}, {Name: "recovery", URL: "/login/factor?proof=1&way=recovery"},
	}
	return map[string]templates.Page{
		"factor": templates.SecondFactor{Login: "138****5678", Ways: ways, Way: "totp", Hidden: hidden, Cancel: true},
		"factor_wrong": templates.SecondFactor{
			Asks: system(), Login: "zhangsan", Ways: ways, Way: "recovery", Left: 3, Why: templates.T("factor.wrong_code"), Hidden: hidden, Cancel: true,
		},
		"factor_locked":  templates.SecondFactor{Ways: ways[:1], Way: "totp", Error: templates.T("factor.locked", 15), Hidden: hidden},
		"factor_passkey": templates.SecondFactor{Ways: ways, Way: "passkey", Raises: true, Options: `{"challenge":"\"><script>"}`, Error: templates.T("factor.passkey_wrong"), Hidden: hidden},
		"factor_sms":     templates.SecondFactor{Ways: ways[2:], Way: "sms", Code: templates.Code{To: "138****5678", Wait: 60, Error: templates.T("challenge.code")}, Hidden: hidden, Cancel: true},
		"security":       templates.Security{Passkeys: true},
		"security_enrolled": templates.Security{
			PasswordAt: at, TOTP: true, Passkeys: true, Codes: 9, Notice: templates.T("security.notice.removed"),
			Factors: []templates.EnrolledFactor{
				{ID: "f1", Kind: "totp", CreatedAt: at}, {ID: "f2", Kind: "passkey", Name: `办公室"电脑<b>的很长很长的名字一直写到三十二个字为止才算完`, CreatedAt: at, UsedAt: at.Add(time.Hour)},
			},
		},
		"changepassword": templates.ChangePassword{
			Login: "zhangsan", Minimum: 8, Classes: true, Error: templates.T("changepassword.late"), PasswordWhy: templates.T("changepassword.wrong"),
			Why: templates.T("password.too_short", 8), AgainWhy: templates.T("newpassword.unequal"),
		},
		"totp":          templates.EnrolTOTP{Offer: "of_1", Secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", QR: []byte("\x89PNG\r\n\x1a\n"), Why: templates.T("factor.wrong_code")},
		"passkey":       templates.EnrolPasskey{Question: "q_1", Options: `{"challenge":"AA"}`, Label: "办公室", Error: templates.T("factor.passkey_wrong"), Why: templates.T("factor.name_invalid")},
		"recoverycodes": templates.RecoveryCodes{Codes: []string{"ABCD-EFGH-JKMN-PQRS", "0123-4567-89AB-CDEF"}},
		"devices": templates.Devices{Notice: templates.T("devices.notice.ended"), Sessions: []templates.DeviceSession{
			{ID: "s1", System: "windows", Browser: "Edge", Address: "203.0.113.7", Since: at, SeenAt: at.Add(time.Hour), Current: true, Strength: "strong"},
			{ID: "s2", System: "harmony", Browser: "华为浏览器", Address: "2001:db8:1234:5678:9abc:def0:1234:5678", Since: at, SeenAt: at, Shared: true, Strength: "password"},
			{ID: "s3", System: "other", Address: "198.51.100.1", Since: at, SeenAt: at, Strength: "second"},
		}},
		"devices_alone": templates.Devices{Sessions: []templates.DeviceSession{{ID: "s1", System: "mac", Browser: "Safari", Address: "203.0.113.7", Since: at, SeenAt: at, Current: true, Strength: "password"}}},
	}
}
