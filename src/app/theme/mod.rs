//! How the window looks: both themes as egui styles, made from [`tokens`].

pub mod tokens;

use egui::{
    Context, CornerRadius, FontFamily, FontId, Stroke, Style, TextStyle, Theme, ThemePreference,
    Visuals,
};
use serde::{Deserialize, Serialize};
pub use tokens::Tokens;

/// Which theme the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// The system's.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl ThemeChoice {
    /// All choices in order.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The words in menus.
    pub const fn title(self) -> &'static str {
        match self {
            Self::System => "Theme of the system",
            Self::Light => "Light theme",
            Self::Dark => "Dark theme",
        }
    }

    /// Makes egui follow the choice.
    pub fn apply(self, ctx: &Context) {
        ctx.set_theme(match self {
            Self::System => ThemePreference::System,
            Self::Light => ThemePreference::Light,
            Self::Dark => ThemePreference::Dark,
        });
    }
}

/// The colours of the theme in which `ui` is drawn.
pub fn of(ui: &egui::Ui) -> &'static Tokens {
    of_visuals(ui.visuals())
}

/// The colours that belong to a style.
pub fn of_visuals(visuals: &Visuals) -> &'static Tokens {
    if visuals.dark_mode {
        &Tokens::DARK
    } else {
        &Tokens::LIGHT
    }
}

/// Installs both themes.
pub fn install(ctx: &Context) {
    ctx.style_mut_of(Theme::Dark, |style| dress(style, &Tokens::DARK));
    ctx.style_mut_of(Theme::Light, |style| dress(style, &Tokens::LIGHT));
}

fn dress(style: &mut Style, tokens: &Tokens) {
    let proportional = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, proportional(tokens::SMALL_SIZE)),
        (TextStyle::Body, proportional(tokens::TEXT_SIZE)),
        (TextStyle::Button, proportional(tokens::TEXT_SIZE)),
        (TextStyle::Heading, proportional(tokens::HEADING_SIZE)),
        (
            TextStyle::Monospace,
            FontId::new(tokens::TEXT_SIZE - 0.5, FontFamily::Monospace),
        ),
    ]
    .into();
    style.spacing.item_spacing = egui::vec2(tokens::GAP, 5.0);
    style.spacing.button_padding = egui::vec2(8.0, 3.0);
    style.spacing.interact_size.y = 22.0;

    let visuals = &mut style.visuals;
    visuals.panel_fill = tokens.background;
    visuals.window_fill = tokens.surface;
    visuals.window_stroke = Stroke::new(1.0, tokens.border);
    visuals.extreme_bg_color = if visuals.dark_mode {
        tokens.background
    } else {
        tokens.surface
    };
    visuals.text_edit_bg_color = Some(tokens.background);
    visuals.faint_bg_color = tokens.raised.gamma_multiply(0.4);
    visuals.hyperlink_color = tokens.series[0];
    visuals.warn_fg_color = tokens.warning;
    visuals.error_fg_color = tokens.bad;
    visuals.weak_text_color = Some(tokens.weak_text);
    visuals.selection.bg_fill = tokens.accent;
    visuals.selection.stroke = Stroke::new(1.0, tokens.on_accent);
    let radius = CornerRadius::same(tokens::RADIUS);
    visuals.window_corner_radius = radius;
    visuals.menu_corner_radius = radius;
    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = radius;
        widget.fg_stroke.color = tokens.text;
    }
    widgets.noninteractive.bg_fill = tokens.surface;
    widgets.noninteractive.weak_bg_fill = tokens.surface;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, tokens.border);
    for (widget, fill) in [
        (&mut widgets.inactive, tokens.raised),
        (&mut widgets.open, tokens.raised),
        (&mut widgets.hovered, tokens.border),
        (&mut widgets.active, tokens.border),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
    }
    widgets.hovered.bg_stroke = Stroke::new(1.0, tokens.accent);
    // The focus ring of the keyboard.
    widgets.active.bg_stroke = Stroke::new(1.5, tokens.text);
}
