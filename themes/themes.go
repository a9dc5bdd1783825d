package themes

// Theme maps meanings to colours, "#rrggbb" or a number of the 256-colour
// palette; an empty colour is the terminal's own.
type Theme struct {
	Name   string
	Dark   bool   // made for a dark background
	Text   string // most of the screen
	Muted  string // units, ids, ages, separators
	Accent string // focus
	OK     string // running, healthy
	Busy   string // starting, restarting, paused
	Bad    string // failed, unhealthy
	Select string // background of the row under the cursor
}

// Dark is the built-in theme for dark backgrounds.
func Dark() Theme {
	return Theme{Name: "dark", Dark: true, Muted: "#7f8594", Accent: "#7aa2f7", OK: "#9ece6a", Busy: "#e0af68", Bad: "#f7768e", Select: "#303030"}
}

// Light is the built-in theme for light backgrounds.
func Light() Theme {
	return Theme{Name: "light", Muted: "#6b7280", Accent: "#2f5fd0", OK: "#3a7d1a", Busy: "#9a6700", Bad: "#c0243c", Select: "#e4e4e4"}
}

// ByName finds a built-in theme.
func ByName(name string) (Theme, bool) {
	for _, t := range []Theme{Dark(), Light()} {
		if t.Name == name {
			return t, true
		}
	}
	return Theme{}, false
}

// For chooses the built-in theme for a background.
func For(dark bool) Theme {
	if dark {
		return Dark()
	}
	return Light()
}
