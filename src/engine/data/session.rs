//! Sessions, histories and slates.
