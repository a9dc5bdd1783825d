package tomldoc

import "github.com/pelletier/go-toml/v2/unstable"

// places finds where every key stands. The text has been decoded before, so it
// parses.
func places(text []byte) map[string]unstable.Position {
	all := map[string]unstable.Position{}
	var p unstable.Parser
	p.Reset(text)
	var table Key
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = note(&p, all, nil, e)
		case unstable.KeyValue:
			noteValue(&p, all, table, e)
		}
	}
	return all
}

func noteValue(p *unstable.Parser, all map[string]unstable.Position, above Key, n *unstable.Node) {
	k := note(p, all, above, n)
	v := n.Value()
	if v.Kind != unstable.InlineTable {
		return
	}
	for it := v.Children(); it.Next(); {
		if c := it.Node(); c.Kind == unstable.KeyValue {
			noteValue(p, all, k, c)
		}
	}
}

// note remembers where the words of a dotted key stand first.
func note(p *unstable.Parser, all map[string]unstable.Position, above Key, n *unstable.Node) Key {
	k := above
	for it := n.Key(); it.Next(); {
		word := it.Node()
		k = k.Then(string(word.Data))
		if _, known := all[k.id()]; !known {
			all[k.id()] = p.Shape(word.Raw).Start
		}
	}
	return k
}
