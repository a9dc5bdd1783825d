package glyph

// What a container, a check or a step is doing.
const (
	Running    = "●"
	Starting   = "◐"
	Healthy    = "✚"
	Unhealthy  = "!"
	Restarting = "↻"
	Paused     = "‖"
	Exited     = "○" // with code 0, or never started
	Failed     = "✖"
	Problem    = "▲"
	Done       = "✔"
	Waiting    = "·"
)

// Rows, trees and text that is typed.
const (
	Bar      = "▌" // before the row under the cursor
	Marked   = "✓"
	Bookmark = "◆" // a line of a log that was marked
	Folded   = "▸"
	Unfolded = "▾"
	Up       = "▴" // sorted, smallest first
	Down     = "▾" // sorted, largest first
	Back     = "◂"
	Prompt   = "›"
	Caret    = "▏"
	Secret   = "•" // one character that is not shown
	Branch   = "├"
	Corner   = "└"
)

// Punctuation.
const (
	Ellipsis = "…"
	Dot      = "·"   // between facts
	Sep      = " · " // Dot with its blanks
	Dash     = "–"   // stands for no value
	Times    = "×"
	AtLeast  = "≥"
	AtMost   = "≤"
	Left     = "←"
	Right    = "→"
	Upwards  = "↑"
	Downward = "↓"
)

// Lines: borders of panes, rules, gutters.
const (
	Horizontal  = "─"
	Vertical    = "│"
	TopLeft     = "╭"
	TopRight    = "╮"
	BottomLeft  = "╰"
	BottomRight = "╯"
	TeeLeft     = "┤"
	TeeRight    = "├"
	Thumb       = "┃" // of a scroll bar
	Gutter      = "│" // beside a line of standard output
	GutterError = "┃" // beside a line of standard error
)

// Bars and the legends of charts, whose curves are told apart by their lines.
const (
	Full   = "━" // the part of a bar that is done
	Empty  = "─"
	Solid  = "━"
	Dashed = "╍"
	Dotted = "┈"
	Shade  = "░"
)

// Blocks are the heights of a small chart's column. The full one is not among
// them: it would join the charts of rows that stand below each other.
const Blocks = "▁▂▃▄▅▆▇"
