//! Lines over looks, as SVG.

use std::fmt::Write;
use std::path::PathBuf;

/// A picture: panels below each other, over the same looks.
pub(super) struct Plot {
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    pub(super) panels: Vec<Panel>,
}

pub(super) struct Panel {
    /// What the vertical axis has, from 0 to `most`.
    pub(super) label: &'static str,
    pub(super) most: f64,
    pub(super) lines: Vec<Line>,
    /// A value to compare with, and its name.
    pub(super) guide: Option<(f64, &'static str)>,
}

pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) values: Vec<f64>,
}

/// Told apart by who does not see colours, too: by how light they are.
const COLOURS: [&str; 3] = ["#0b5394", "#e69138", "#7f7f7f"];
const WIDTH: f64 = 720.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
/// Of a panel, and between two.
const HEIGHT: f64 = 130.0;
const GAP: f64 = 20.0;
const BOTTOM: f64 = 40.0;

impl Plot {
    fn svg(&self) -> String {
        let looks = self.panels.iter().flat_map(|panel| &panel.lines).map(|line| line.values.len()).max();
        let looks = looks.unwrap_or_default().max(2);
        let height = TOP + self.panels.len() as f64 * (HEIGHT + GAP) - GAP + BOTTOM;
        let mut to = String::new();
        let title = self.title;
        let _ = writeln!(
            to,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11" role="img" aria-label="{title}">
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>
<text x="{LEFT}" y="20" font-size="13" font-weight="bold">{title}</text>"##
        );
        for (number, panel) in self.panels.iter().enumerate() {
            panel.write(&mut to, TOP + number as f64 * (HEIGHT + GAP), looks);
        }
        let foot = height - BOTTOM;
        for tick in (0..looks).step_by(10) {
            let x = across(tick, looks);
            let _ = writeln!(to, r##"<text x="{x:.1}" y="{}" text-anchor="middle">{tick}</text>"##, foot + 15.0);
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        let _ =
            writeln!(to, r##"<text x="{middle}" y="{}" text-anchor="middle">looks, one a second</text>"##, foot + 31.0);
        to + "</svg>\n"
    }

    /// Whether the committed picture is this one. Where a variable asks for it, it is from now on.
    pub(super) fn check(&self) {
        let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs");
        if !docs.is_dir() {
            eprintln!("{}: not compared; the package is not in its repository", self.file);
            return;
        }
        let path = docs.join("plots").join(self.file);
        let svg = self.svg();
        if std::env::var_os("OTELIER_RENEW").is_some_and(|renew| renew == "1") {
            std::fs::create_dir_all(docs.join("plots"))
                .and_then(|()| std::fs::write(&path, &svg))
                .expect("it is written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let is_same = committed.lines().eq(svg.lines());
        assert!(is_same, "docs/plots/{} shows something else; OTELIER_RENEW=1 makes it anew", self.file);
    }
}

fn across(look: usize, looks: usize) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * look as f64 / (looks - 1) as f64
}

impl Panel {
    fn write(&self, to: &mut String, top: f64, looks: usize) {
        let y = |value: f64| top + HEIGHT * (1.0 - value.clamp(0.0, self.most) / self.most);
        let (right, foot, most) = (WIDTH - RIGHT, top + HEIGHT, self.most);
        let _ = writeln!(
            to,
            r##"<path d="M{LEFT} {top}V{foot}H{right}" fill="none" stroke="#444444"/>
<text x="{x}" y="{}" text-anchor="end">{most}</text>
<text x="{x}" y="{foot}" text-anchor="end">0</text>
<text transform="translate(14 {}) rotate(-90)" text-anchor="middle">{}</text>"##,
            top + 8.0,
            top + HEIGHT / 2.0,
            self.label,
            x = LEFT - 6.0,
        );
        if let Some((value, name)) = self.guide {
            let y = y(value);
            let _ = writeln!(
                to,
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#999999" stroke-dasharray="5 4"/>
<text x="{}" y="{:.1}" fill="#666666">{name}</text>"##,
                LEFT + 4.0,
                y - 3.0,
            );
        }
        for (number, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let mut points = String::new();
            for (look, value) in line.values.iter().enumerate() {
                let _ = write!(points, "{:.1},{:.1} ", across(look, looks), y(*value));
            }
            let _ = writeln!(
                to,
                r##"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="1.6"/>
<text x="{}" y="{}" text-anchor="end" fill="{colour}">{}</text>"##,
                points.trim_end(),
                right - 4.0,
                top + 10.0 + 14.0 * number as f64,
                line.name,
            );
        }
    }
}
