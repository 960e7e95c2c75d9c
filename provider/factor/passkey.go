package factor

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
)

// maxAnswer bounds what a browser sends of a passkey.
const maxAnswer = 16 << 10

// RelyingParty is who passkeys are made for: the host of the issuer, and its
// origin alone. It is nil where the host is an address, for which browsers make
// none.
func RelyingParty(issuer, name string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("factor: issuer: %w", err)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, nil
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			UserVerification: protocol.VerificationRequired, ResidentKey: protocol.ResidentKeyRequirementPreferred,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("factor: relying party: %w", err)
	}
	return w, nil
}

// Question is what the browser's script hands to navigator.credentials.
type Question struct {
	ID      string // for the answer
	Options []byte // JSON of PublicKeyCredentialCreationOptions or …RequestOptions
}

// user is a subject as the library wants it. Its handle says nothing about whom.
type user struct {
	who         Subject
	login       string
	credentials []webauthn.Credential
}

func (u user) WebAuthnID() []byte {
	sum := sha256.Sum256([]byte("user handle\x00" + string(u.who.Realm) + "\x00" + u.who.ID))
	return sum[:]
}
func (u user) WebAuthnName() string                       { return u.login }
func (u user) WebAuthnDisplayName() string                { return u.login }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

// user reads the subject's passkeys.
func (s *Service) user(ctx context.Context, who Subject, login string) (user, map[string]Record, error) {
	u, byID := user{who: who, login: login}, map[string]Record{}
	if s.Passkeys == nil {
		return u, nil, &fault.Error{Kind: fault.Refused, Msg: MsgNotAvailable}
	}
	records, _, err := s.Store.Factors(ctx, who)
	if err != nil {
		return u, nil, err
	}
	for _, r := range records {
		if r.Kind != Passkey {
			continue
		}
		var c webauthn.Credential
		if err := json.Unmarshal(r.Secret, &c); err != nil {
			return u, nil, fmt.Errorf("factor: credential %s: %w", r.ID, err)
		}
		c.Authenticator.SignCount = uint32(r.Counter) //nolint:gosec // it was one
		u.credentials = append(u.credentials, c)
		byID[string(c.ID)] = r
	}
	return u, byID, nil
}

// BeginPasskey asks the browser for a new passkey of who, known to its owner as
// login.
func (s *Service) BeginPasskey(ctx context.Context, who Subject, binding, login string) (Question, error) {
	u, _, err := s.user(ctx, who, login)
	if err != nil {
		return Question{}, err
	}
	creation, session, err := s.Passkeys.BeginRegistration(u, webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()))
	if err != nil {
		return Question{}, fmt.Errorf("factor: registration: %w", err)
	}
	return s.question(ctx, who, enrolPasskey, binding, session, creation.Response)
}

// FinishPasskey enrols the passkey that the browser answered with. It gives the
// recovery codes as ConfirmTOTP does.
func (s *Service) FinishPasskey(ctx context.Context, who Subject, binding, id, answer, name string, ev audit.Event) ([]string, error) {
	name, err := named(name)
	if err != nil {
		return nil, err
	}
	c, session, err := s.asked(ctx, who, enrolPasskey, binding, id, answer)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return nil, refused(err)
	}
	credential, err := s.Passkeys.CreateCredential(user{who: who}, session, parsed)
	if err != nil {
		return nil, refused(err)
	}
	record, err := json.Marshal(credential)
	if err != nil {
		return nil, fmt.Errorf("factor: credential: %w", err)
	}
	ev.Detail = string(Passkey)
	return s.enrol(ctx, c, Record{
		Factor: Factor{Kind: Passkey, Name: name}, Secret: record, Handle: s.mac("credential", string(credential.ID)),
		Counter: int64(credential.Authenticator.SignCount),
	}, ev)
}

// AskPasskey asks the browser to show one of the subject's passkeys.
func (s *Service) AskPasskey(ctx context.Context, who Subject, binding string) (Question, error) {
	u, _, err := s.user(ctx, who, "")
	if err != nil {
		return Question{}, err
	}
	assertion, session, err := s.Passkeys.BeginLogin(u, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Question{}, fmt.Errorf("factor: assertion: %w", err)
	}
	return s.question(ctx, who, askPasskey, binding, session, assertion.Response)
}

// CheckPasskey verifies the answer to AskPasskey. The question is used up by the
// first answer, right or wrong. A passkey whose signature counter went backwards
// may have a twin and proves nothing.
func (s *Service) CheckPasskey(ctx context.Context, who Subject, binding, id, answer string) (Proof, error) {
	c, session, err := s.asked(ctx, who, askPasskey, binding, id, answer)
	if err != nil {
		return Proof{}, err
	}
	if err := s.take(ctx, c); err != nil {
		return Proof{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return Proof{}, refused(err)
	}
	u, byID, err := s.user(ctx, who, "")
	if err != nil {
		return Proof{}, err
	}
	credential, err := s.Passkeys.ValidateLogin(u, session, parsed)
	if err != nil {
		return Proof{}, refused(err)
	}
	if credential.Authenticator.CloneWarning {
		return Proof{}, refused(errors.New("the signature counter went backwards"))
	}
	record, err := json.Marshal(credential)
	if err != nil {
		return Proof{}, fmt.Errorf("factor: credential: %w", err)
	}
	r := byID[string(credential.ID)]
	ok, err := s.Store.AdvanceFactor(ctx, r, int64(credential.Authenticator.SignCount), record, s.Now())
	if err != nil {
		return Proof{}, err
	}
	if !ok {
		return Proof{}, refused(errors.New("the signature counter was seen already, or the passkey is gone"))
	}
	p := Proof{AMR: "hwk", Kind: Passkey, Factor: r.ID} // RFC 8176 §2
	if credential.Flags.BackupEligible {
		p.AMR = "swk" // a key that can be copied to other devices
	}
	return p, nil
}

func (s *Service) question(ctx context.Context, who Subject, purpose, binding string, session *webauthn.SessionData, options any) (Question, error) {
	state, err := json.Marshal(session)
	if err != nil {
		return Question{}, fmt.Errorf("factor: challenge: %w", err)
	}
	text, err := json.Marshal(options)
	if err != nil {
		return Question{}, fmt.Errorf("factor: options: %w", err)
	}
	id, err := s.begin(ctx, who, purpose, binding, state)
	return Question{ID: id, Options: text}, err
}

// asked gives the question that an answer is to.
func (s *Service) asked(ctx context.Context, who Subject, purpose, binding, id, answer string) (c Ceremony, session webauthn.SessionData, err error) {
	if s.Passkeys == nil {
		return c, session, &fault.Error{Kind: fault.Refused, Msg: MsgNotAvailable}
	}
	if len(answer) > maxAnswer {
		return c, session, refused(errors.New("the answer is too long"))
	}
	if c, err = s.under(ctx, who, purpose, binding, id); err != nil {
		return c, session, err
	}
	if err := json.Unmarshal(c.State, &session); err != nil {
		return c, session, fmt.Errorf("factor: challenge: %w", err)
	}
	return c, session, nil
}

// refused says one thing for everything that is wrong with a passkey's answer.
func refused(err error) error {
	return &fault.Error{Kind: fault.Invalid, Field: "passkey", Msg: MsgPasskey, Err: err}
}
