package templates_test

import (
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/document"
	"kejitong/provider/mandate"
	"kejitong/provider/operator"
	"kejitong/provider/signup"
	"kejitong/provider/torch"
	"kejitong/provider/webhook"
)

// Whatever a domain says of somebody's input can be read in both languages.
func TestEveryFaultHasWords(t *testing.T) {
	for domain, keys := range map[string][]string{
		"account":    account.Messages(),
		"challenge":  challenge.Messages(),
		"credential": credential.Messages(), "operator": operator.Messages(), "webhook": webhook.Messages(),
		"document": document.Messages(), "mandate": mandate.Messages(),
		"signup": signup.Messages(), "torch": torch.Messages(),
	} {
		if len(keys) < 5 {
			t.Fatalf("%s lists %d keys: the test would hold vacuously", domain, len(keys))
		}
		for _, lang := range []string{"zh-CN", "en"} {
			all := words(t, lang)
			for _, key := range keys {
				if all[key] == "" {
					t.Errorf("%s: no words for %s in %s", domain, key, lang)
				}
			}
		}
	}
}
