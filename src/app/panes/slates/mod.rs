//! The slates of a user before and after alignment, with every score; what other items would be worth, and what each
//! checkpoint shows.

mod checkpoint_view;
mod comparison;
mod spread;
mod view;
mod view_model;
mod what_if;
mod what_if_view;

pub use view::SlatesPane;
