package ui

// rect is a part of the screen, in cells from its upper left corner.
type rect struct{ x, y, w, h int }

// inner is the number of rows inside the border.
func (r rect) inner() int { return max(0, r.h-2) }

// layout is where the panes are; one that is not shown is empty.
type layout struct{ containers, images, log rect }

func (l layout) of(p pane) rect {
	switch p {
	case imagesPane:
		return l.images
	case logPane:
		return l.log
	}
	return l.containers
}

// narrow is the width below which panes stand one above the other, small the
// height below which only the focused one is shown.
const (
	narrow = 72
	small  = 16
)

func (m *Model) layout() layout { return arrange(m.width, m.height, m.focus, m.zoom) }

// arrange is a pure function of the size: the first line is the header, the
// last the footer.
func arrange(width, height int, focus pane, zoom bool) layout {
	body := rect{0, 1, width, max(0, height-2)}
	if zoom || height < small || width < 44 {
		var l layout
		switch focus {
		case imagesPane:
			l.images = body
		case logPane:
			l.log = body
		default:
			l.containers = body
		}
		return l
	}
	if width < narrow {
		top := body.h * 2 / 5
		l := layout{containers: rect{0, 1, width, top}, log: rect{0, 1 + top, width, body.h - top}}
		if focus == imagesPane {
			l.images, l.containers = l.containers, rect{}
		}
		return l
	}
	left := min(max(width*45/100, 40), 84)
	images := max(5, body.h/3)
	return layout{
		containers: rect{0, 1, left, body.h - images},
		images:     rect{0, 1 + body.h - images, left, images},
		log:        rect{left, 1, width - left, body.h},
	}
}
