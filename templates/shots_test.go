package templates_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

var manual = flag.String("manual", "", "with -screens: folder for the small pictures of the manual, made of those of the pages")

// shown is which page stands for a topic of the manual.
func shown() map[string]string {
	return map[string]string{
		"signin": "signin", "realname": "papers_person", "entry": "home_signed_in", "password": "recover_find", "appeal": "recover_fill",
		"account": "contact_code",
	}
}

// manualHeight is how much of a page the manual shows, in pixels.
const manualHeight = 720

// TestManualPictures makes the pictures of the manual out of those that TestScreens
// took just before: the phone's, cut and with few colours, so that they are small
// and sharp. Without -manual there is nothing to do.
func TestManualPictures(t *testing.T) {
	if *manual == "" {
		return
	}
	for topic, sample := range shown() {
		raw, err := os.ReadFile(filepath.Join(*screens, sample+"_zh-CN_light_phone.png"))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, fewColours(whole)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*manual, topic+".png"), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fewColours gives the upper part with its 48 most frequent colours.
func fewColours(whole image.Image) *image.Paletted {
	area := whole.Bounds()
	area.Max.Y = min(area.Max.Y, area.Min.Y+manualHeight)
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA {
		r, g, b, _ := whole.At(x, y).RGBA()
		return color.RGBA{uint8(r>>8) &^ 7, uint8(g>>8) &^ 7, uint8(b>>8) &^ 7, 255}
	}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	all := make([]color.RGBA, 0, len(count))
	for c := range count {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool {
		if count[all[i]] != count[all[j]] {
			return count[all[i]] > count[all[j]]
		}
		return all[i].R < all[j].R || all[i].R == all[j].R && (all[i].G < all[j].G || all[i].G == all[j].G && all[i].B < all[j].B)
	})
	var palette color.Palette
	for _, c := range all[:min(48, len(all))] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(image.Rect(0, 0, area.Dx(), area.Dy()), palette)
	for y := range area.Dy() {
		for x := range area.Dx() {
			out.Set(x, y, at(area.Min.X+x, area.Min.Y+y))
		}
	}
	return out
}

// The pictures must not make the binary grow: a few dozen kilobytes each.
func TestManualPicturesAreSmall(t *testing.T) {
	files, err := filepath.Glob("static/help/*.png")
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 1<<20 {
		t.Errorf("%d bytes of pictures", total)
	}
	if len(files) < len(shown()) {
		t.Errorf("%d pictures for %d topics; run make pictures", len(files), len(shown()))
	}
}
