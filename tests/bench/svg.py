"""Draws horizontal bars as SVG, nothing else: no library, no script, readable on white and on black."""

from xml.sax.saxutils import escape

WIDTH, LABELS, BAR, GAP, TOP = 860, 330, 22, 10, 52
OURS, OTHERS, INK = "#1f6feb", "#8b949e", "#24292f"
FONT = "font-family='-apple-system,Segoe UI,Helvetica,Arial,sans-serif'"


def text(x, y, size, words, **more):
    attributes = "".join(f" {name.replace('_', '-')}='{value}'" for name, value in more.items())
    return f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' fill='{INK}'{attributes}>{escape(words)}</text>"


def bar(y, scale, label, value, least, most, ours):
    middle, end = y + BAR / 2, LABELS + most * scale
    color = OURS if ours else OTHERS
    return [
        text(LABELS - 10, middle + 4.5, 13, label, text_anchor="end"),
        f"<rect x='{LABELS}' y='{y}' width='{max(1, value * scale):.1f}' height='{BAR}' rx='3' fill='{color}'/>",
        f"<line x1='{LABELS + least * scale:.1f}' x2='{end:.1f}' y1='{middle}' y2='{middle}' stroke='{INK}'/>",
        text(end + 8, middle + 4.5, 13, f"{value:.3g}"),
    ]


def bars(title, unit, values):
    """`values`: [(label, value, least, most, ours)]; the whiskers go from least to most."""
    longest = max((most for _, _, _, most, _ in values), default=1) or 1
    scale = (WIDTH - LABELS - 110) / longest
    height = TOP + len(values) * (BAR + GAP) + 6
    size = f"width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}'"
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} role='img'>",
        f"<title>{escape(title)}</title><rect width='100%' height='100%' fill='#ffffff'/>",
        text(12, 20, 15, title, font_weight="600"),
        text(12, 38, 12, unit),
    ]
    for number, value in enumerate(values):
        parts += bar(TOP + number * (BAR + GAP), scale, *value)
    return "\n".join([*parts, "</svg>"]) + "\n"
