package challenge

import (
	"embed"
	"encoding/binary"
	"fmt"
)

// spoken holds the digits as they are said, 8000 samples a second of one unsigned
// byte: zh0.pcm to zh9.pcm and en0.pcm to en9.pcm, made with eSpeak NG.
//
//go:embed spoken/*.pcm
var spoken embed.FS

const (
	sampleRate = 8000
	silence    = 128
)

// Sound says digits as WAV, in Chinese or, if english, in English, for those who
// cannot see the picture (C31): the pauses differ, and a hiss lies under it.
func Sound(digits string, noise []byte, english bool) ([]byte, error) {
	s, voice := &stream{seed: append([]byte("sound"), noise...)}, "zh"
	if english {
		voice = "en"
	}
	var pcm []byte
	pause := func() {
		for range sampleRate/4 + int(s.between(0, sampleRate/4)) {
			pcm = append(pcm, silence)
		}
	}
	pause()
	for _, d := range digits {
		said, err := spoken.ReadFile(fmt.Sprintf("spoken/%s%c.pcm", voice, d))
		if err != nil {
			return nil, fmt.Errorf("challenge: say %q: %w", d, err)
		}
		pcm = append(pcm, said...)
		pause()
	}
	for i := range pcm {
		pcm[i] = byte(min(max(int(pcm[i])+int(s.byte()%13)-6, 0), 255)) //nolint:gosec // bounded
	}
	h := []byte("RIFF....WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00........\x01\x00\x08\x00data....")
	binary.LittleEndian.PutUint32(h[4:], uint32(36+len(pcm))) //nolint:gosec // a few seconds
	binary.LittleEndian.PutUint32(h[24:], sampleRate)
	binary.LittleEndian.PutUint32(h[28:], sampleRate)
	binary.LittleEndian.PutUint32(h[40:], uint32(len(pcm))) //nolint:gosec // a few seconds
	return append(h, pcm...), nil
}
