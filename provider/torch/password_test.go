package torch_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/torch"
)

// The vectors were made by other programs: Python's hashlib, "openssl passwd" and
// crypt(3) of libxcrypt.
const (
	legacyPassword = "Torch#2019密码"
	legacySalt     = "a1B2c3"
)

var vectors = []struct {
	scheme, hash, salt string
	cost               int
}{
	{"md5", "59a921163f7920480718bc7857441a9b", "", 0},
	{"md5", "59A921163F7920480718BC7857441A9B", "", 0},
	{"md5", "WakhFj95IEgHGLx4V0Qamw==", "", 0},
	{"md5-salt-password", "46ea6518c6f6342050c6c8b41ecf9c53", legacySalt, 0},
	{"md5-password-salt", "afc3c87f6d059957916713a7d1e6105d", legacySalt, 0},
	{"sha1", "6b0f93e8551df3141e2e1620a82a300b6f9fbec1", "", 0},
	{"sha1", "aw+T6FUd8xQeLhYgqCowC2+fvsE=", "", 0},
	{"sha1-salt-password", "e9aa6094da783d69501296fe499b7362fa1b61ae", legacySalt, 0},
	{"sha1-password-salt", "765f93993de0517c45c1a06ef00dcd994ec7268a", legacySalt, 0},
	{"sha256", "4a0872114df44c899a185330be49831faba11f1c813a02677ff596174a580e1f", "", 0},
	{"sha256", "SghyEU30TImaGFMwvkmDH6uhHxyBOgJnf/WWF0pYDh8", "", 0},
	{"sha256-salt-password", "840b84b6f66fcaf3aa371bdcf6747d26850087fa55aaadc0008ebca4a71544aa", legacySalt, 0},
	{"sha256-password-salt", "5c8c27d0f16c9ec8d22ca03b88b3b706e66afc67a331adc55bc46fab8c5583e8", legacySalt, 0},
	{"sha512", "0a7ccc3268d4725494002239fdce8e4e4a6fd1ba6334931c7dbe73f78ba0125bfd37cc1bc88c1f11e8ead2baba13fd837bc5065da7088035c3a7d15fb06211ad", "", 0},
	{"sha512-salt-password", "bccff432f8e80e255d14d7f5b2b9f88912b92bfab7e021610ba4b727839ae671147ac618a1d005d13ddd5bba2124dce393bb0036789f796291fd996519345a89", legacySalt, 0},
	{"sha512-password-salt", "eb665f1070ae0963da38bacaf9770f5218290f3bf13aab6c6eafba4b8f963daf7467176ad59baf4ea34a0792647f3921c03957719a654cc76948576fd5167274", legacySalt, 0},
	{"sm3", "9ae9cd682523aa979a1c94250b183095ce3b6bcffe4dddee96dc5eca8961bfc1", "", 0},
	{"sm3", "munNaCUjqpeaHJQlCxgwlc47a8/+Td3ultxeyolhv8E=", "", 0},
	{"sm3-salt-password", "2fd330dcdc9ddb6d3a17dd036e856b47853b22f6e960736d395b1e3f23a42f12", legacySalt, 0},
	{"sm3-password-salt", "d1c4e75b2287f25eccd1bf06b35552f7053d518d4e69b5e8c7ae151853f56dc6", legacySalt, 0},
	{"pbkdf2-sha1", "ca8bff9c4dfd8b690eab707883594d57609a22bc", legacySalt, 1000},
	{"pbkdf2-sha256", "f249ab300f3a582fa95869514356d20e951fa457f0d53a6334f48efb9849a816", legacySalt, 1000},
	{"pbkdf2-sha512", "e95fe852fc013189fa6be10fbaf6ea24e2d5aeb6ad22d75ca7b415d88b57c3fe57585ca7872d8186a69bea12a432489e8a2d4fe53691e1bb9d93bb48c7914091", legacySalt, 1000},
	{"pbkdf2-sm3", "0d9d5caa753c0dc5e0b0608e89601d5d5241db3e5a32f443cc8b4c0c0e72ae19", legacySalt, 1000},
	{"modular", "pbkdf2_sha256$1000$a1B2c3$8kmrMA86WC+pWGlRQ1bSDpUfpFfw1TpjNPSO+5hJqBY=", "", 0},
	{"", "$1$kejitong$VqJfO/JB6sukjzyf5xNPz0", "", 0},
	{"", "$5$kejitong$zK1bmwI9M3it2BZSQT756/Ei5oH.WJNlJ8zis4EoIy8", "", 0},
	{"", "$6$kejitong$S0APNHzW7q0SPgpPtCmSrY7ndrYyMgu.Y9u.92eKn/jddFXy5zAmCpMDitHvoAJOuCFsHVHqYDMqZuCANK/tA.", "", 0},
	{"", "$2b$05$abcdefghijklmnopqrstuucyKVd6POjqXStXxRSF4lOQ883BY//4y", "", 0},
	{"", "$2y$05$abcdefghijklmnopqrstuucyKVd6POjqXStXxRSF4lOQ883BY//4y", "", 0},
}

func TestPasswordsOfTheFormerPlatform(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range vectors {
		p, err := torch.ReadPassword(v.scheme, v.hash, v.salt, v.cost)
		if err != nil {
			t.Errorf("%s %s: %v", v.scheme, v.hash, err)
			continue
		}
		seen[p.Scheme] = true
		for password, want := range map[string]bool{legacyPassword: true, "Torch#2019密": false, "": false, legacyPassword + " ": false, v.hash: false} {
			if got, err := p.Matches(password); err != nil || got != want {
				t.Errorf("%s %s: %q matches %t (%v)", v.scheme, v.hash, password, got, err)
			}
		}
		stored := p.String()
		if !torch.Foreign(stored) || !torch.Foreign(p.Wrapped("$argon2id$x")) || torch.Foreign("$argon2id$x") {
			t.Errorf("%s is not told apart", v.scheme)
		}
		if back, phc, err := torch.ParseStored(stored); err != nil || phc != "" || back.Scheme != p.Scheme || back.Cost != p.Cost || !bytes.Equal(back.Salt, p.Salt) || !bytes.Equal(back.Digest, p.Digest) {
			t.Errorf("%s comes back as %+v %q %v", stored, back, phc, err)
		}
		back, phc, err := torch.ParseStored(p.Wrapped("$argon2id$v=19$m=1,t=1,p=1$c2FsdA$a2V5"))
		if err != nil || phc != "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$a2V5" || len(back.Digest) != 0 {
			t.Errorf("wrapped comes back as %+v %q %v", back, phc, err)
		}
		// Whoever has the digest does not have the preimage's password (S64).
		if p.Preimage() == v.hash || strings.HasPrefix(v.hash, p.Preimage()) {
			t.Errorf("%s: the preimage is the hash", v.scheme)
		}
	}
	for _, name := range torch.Schemes() {
		if !seen[name] {
			t.Errorf("scheme %s has no vector", name)
		}
	}
}

func TestPasswordsThatCannotBeTakenOver(t *testing.T) {
	for _, c := range []struct {
		name, scheme, hash, salt string
		cost                     int
		want                     error
	}{
		{"unknown scheme", "md4", "59a921163f7920480718bc7857441a9b", "", 0, torch.ErrScheme},
		{"plain text", "", "Torch#2019", "", 0, torch.ErrScheme},
		{"empty", "", "", "", 0, torch.ErrScheme},
		{"no salt", "md5-salt-password", "59a921163f7920480718bc7857441a9b", "", 0, torch.ErrSalt},
		{"short", "md5", "59a921163f7920480718bc7857441a9", "", 0, torch.ErrHash},
		{"another scheme's length", "sha1", "59a921163f7920480718bc7857441a9b", "", 0, torch.ErrHash},
		{"no cost", "pbkdf2-sha256", "f249ab300f3a582fa95869514356d20e951fa457f0d53a6334f48efb9849a816", legacySalt, 0, torch.ErrCost},
		{"minutes of work", "pbkdf2-sha256", "f249ab300f3a582fa95869514356d20e951fa457f0d53a6334f48efb9849a816", legacySalt, 2_000_000, torch.ErrCost},
		{"minutes of bcrypt", "", "$2b$31$abcdefghijklmnopqrstuucyKVd6POjqXStXxRSF4lOQ883BY//4y", "", 0, torch.ErrCost},
		{"billions of rounds", "", "$6$rounds=999999999$x$y", "", 0, torch.ErrCost},
		{"crypt cut short", "", "$1$kejitong$VqJf", "", 0, torch.ErrHash},
		{"bcrypt cut short", "", "$2b$05$abcdefghijklmnopqrstuucyKVd6POj", "", 0, torch.ErrHash},
		{"huge", "md5", strings.Repeat("a", 1<<20), "", 0, torch.ErrHash},
	} {
		_, err := torch.ReadPassword(c.scheme, c.hash, c.salt, c.cost)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && len(c.hash) > 8 && strings.Contains(err.Error(), c.hash) {
			t.Errorf("%s: the error quotes the hash", c.name)
		}
	}
	for _, s := range []string{"", "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$a2V5", "$torch$", "$torch$md5$0$$", "$torch$md4$0$$AAAA", "$torch$md5$9$$AAAA", "$torch$bcrypt$31$AAAA$AAAA", "$torch-argon2id$md5$0$"} {
		if _, _, err := torch.ParseStored(s); err == nil {
			t.Errorf("%q is read", s)
		}
	}
}

func FuzzReadPassword(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.scheme, v.hash, v.salt, v.cost)
	}
	names := torch.Schemes()
	f.Fuzz(func(t *testing.T, name, hash, salt string, cost int) {
		p, err := torch.ReadPassword(name, hash, salt, min(cost, 1000))
		if err != nil || p.Scheme == "bcrypt" || p.Cost > 5000 {
			return
		}
		if !slices.Contains(names, p.Scheme) {
			t.Fatalf("scheme %q", p.Scheme)
		}
		back, _, err := torch.ParseStored(p.String())
		if err != nil || !bytes.Equal(back.Digest, p.Digest) || !bytes.Equal(back.Salt, p.Salt) {
			t.Fatalf("%+v comes back as %+v %v", p, back, err)
		}
		if _, err := p.Recompute("password"); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
	})
}
