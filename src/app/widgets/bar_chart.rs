//! Bars for counts: histograms and the load of codes. No bar is averaged away: where there are more
//! bars than pixels, a column is solid up to its lowest value and faint up to its highest.

use egui::{Align2, Rect, Role, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2};

use super::number::{count, significant};
use crate::app::theme;

/// Width that a label under a bar needs before the next one may be drawn.
const LABEL_GAP: f32 = 8.0;

/// A bar chart.
pub struct BarChart<'a> {
    /// What is counted, for the readout and for screen readers, for example "Items per code".
    pub title: &'a str,
    /// One value per bar, not negative; values that are not finite are drawn as empty.
    pub values: &'a [f64],
    /// Name of a bar by index, for the readout and the axis.
    pub bar_name: &'a dyn Fn(usize) -> String,
    /// A horizontal line with a meaning.
    pub reference: Option<(f64, &'a str)>,
    /// Which of the theme's series colours the bars take.
    pub color_idx: usize,
    /// Height of the whole chart in points.
    pub height: f32,
}

impl BarChart<'_> {
    /// Draws the chart over the available width; tells which bar was clicked.
    pub fn show(&self, ui: &mut Ui) -> Option<usize> {
        let line_height = ui.text_style_height(&TextStyle::Small);
        let size = vec2(ui.available_width().max(40.0), self.height);
        let (rect, response) = ui.allocate_exact_size(size, Sense::CLICK);
        let frame = Rect::from_min_max(
            rect.min + vec2(0.0, line_height + 2.0),
            rect.max - vec2(0.0, line_height + 4.0),
        );
        let summary = self.summary();
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &summary));
        if !ui.is_rect_visible(rect) || self.values.is_empty() || frame.height() <= 0.0 {
            return None;
        }
        let top = self.top();
        let hovered = response
            .hover_pos()
            .filter(|pos| frame.x_range().contains(pos.x))
            .map(|pos| self.bar_at(pos.x, frame));
        self.draw_bars(ui, frame, top, hovered);
        self.draw_labels(ui, rect, frame);
        let is_clicked = response.clicked();
        if let Some(idx) = hovered {
            let readout = format!("{}\n{}", (self.bar_name)(idx), value_text(self.values[idx]));
            response.on_hover_text_at_pointer(readout);
        }
        hovered.filter(|_| is_clicked)
    }

    /// The chart in one sentence.
    pub fn summary(&self) -> String {
        let highest = self
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_finite())
            .max_by(|a, b| a.1.total_cmp(b.1));
        match highest {
            Some((idx, value)) => format!(
                "{}: {} bars, highest {} at {}",
                self.title,
                self.values.len(),
                significant(*value, 4),
                (self.bar_name)(idx)
            ),
            None => format!("{}: no values yet", self.title),
        }
    }

    /// The highest bar.
    fn highest(&self) -> f64 {
        let bars = self.values.iter().copied();
        bars.filter(|value| value.is_finite()).fold(0.0, f64::max)
    }

    /// What the upper edge stands for: the highest bar, or room for the reference and its name.
    fn top(&self) -> f64 {
        let reference = self.reference.map_or(0.0, |(value, _)| value * 1.1);
        self.highest().max(reference)
    }

    fn bar_at(&self, x: f32, frame: Rect) -> usize {
        let share = (x - frame.left()) / frame.width().max(1.0);
        ((share * self.values.len() as f32) as usize).min(self.values.len() - 1)
    }

    fn draw_bars(&self, ui: &Ui, frame: Rect, top: f64, hovered: Option<usize>) {
        let color = theme::of(ui).series_color(self.color_idx);
        let painter = ui.painter_at(frame.expand(1.0));
        let n_columns = self.values.len().min(frame.width() as usize).max(1);
        let column_width = frame.width() / n_columns as f32;
        let gap = if column_width > 4.0 { 1.0 } else { 0.0 };
        for column in 0..n_columns {
            let first = column * self.values.len() / n_columns;
            let last = ((column + 1) * self.values.len() / n_columns).max(first + 1);
            let values = &self.values[first..last];
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            let low = finite().reduce(f64::min).unwrap_or(0.0);
            let high = finite().reduce(f64::max).unwrap_or(0.0);
            let left = frame.left() + column as f32 * column_width;
            let bar = |value: f64| {
                let share = if top > 0.0 { (value / top) as f32 } else { 0.0 };
                let height = frame.height() * share.clamp(0.0, 1.0);
                Rect::from_min_max(
                    pos2(left, frame.bottom() - height),
                    pos2(left + column_width - gap, frame.bottom()),
                )
            };
            let is_hovered = hovered.is_some_and(|idx| (first..last).contains(&idx));
            let strength = if is_hovered { 0.7 } else { 1.0 };
            painter.rect_filled(bar(high), 0.0, color.gamma_multiply(0.45 * strength));
            painter.rect_filled(bar(low), 0.0, color.gamma_multiply(strength));
        }
        let line = theme::of(ui).weak_text;
        painter.hline(frame.x_range(), frame.bottom(), (1.0, line));
        if let Some((value, name)) = self.reference
            && top > 0.0
        {
            let y = frame.bottom() - frame.height() * (value / top) as f32;
            painter.hline(frame.x_range(), y, (1.0, line));
            let font = TextStyle::Small.resolve(ui.style());
            painter.text(
                pos2(frame.right(), y),
                Align2::RIGHT_BOTTOM,
                name,
                font,
                line,
            );
        }
    }

    fn draw_labels(&self, ui: &Ui, rect: Rect, frame: Rect) {
        let color = theme::of(ui).weak_text;
        let font = TextStyle::Small.resolve(ui.style());
        let painter = ui.painter_at(rect);
        painter.text(
            rect.left_top(),
            Align2::LEFT_TOP,
            top_text(self.highest()),
            font.clone(),
            color,
        );
        let bar_width = frame.width() / self.values.len() as f32;
        let mut free_from = rect.left();
        let last_idx = self.values.len() - 1;
        let last = painter.layout_no_wrap((self.bar_name)(last_idx), font.clone(), color);
        let last_left = rect.right() - last.size().x;
        for idx in 0..last_idx {
            // Long charts are labelled at even distances only; naming every bar would be slow.
            if idx % self.values.len().div_ceil(64) != 0 {
                continue;
            }
            let center = frame.left() + (idx as f32 + 0.5) * bar_width;
            if center < free_from {
                continue;
            }
            let galley = painter.layout_no_wrap((self.bar_name)(idx), font.clone(), color);
            let left = (center - galley.size().x / 2.0).max(rect.left());
            if left < free_from || left + galley.size().x + LABEL_GAP > last_left {
                continue;
            }
            free_from = left + galley.size().x + LABEL_GAP;
            painter.galley(pos2(left, frame.bottom() + 3.0), galley, color);
        }
        painter.galley(pos2(last_left, frame.bottom() + 3.0), last, color);
    }
}

/// The highest value: a count as it is, anything else with three significant digits.
fn top_text(value: f64) -> String {
    if value.fract() == 0.0 {
        value_text(value)
    } else {
        significant(value, 3)
    }
}

/// A count as it is, anything else with five significant digits.
fn value_text(value: f64) -> String {
    if value >= 0.0 && value.fract() == 0.0 && value < 1e15 {
        count(value as u64)
    } else {
        significant(value, 5)
    }
}
