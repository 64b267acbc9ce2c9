//! The readers on small files of every layout, on damaged ones, and on the real ones where they are at hand.

#[cfg(test)]
mod amazon;
#[cfg(test)]
mod common;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod generic;
#[cfg(test)]
mod kuairand;
#[cfg(test)]
mod mini_onerec;
#[cfg(test)]
mod movielens;
#[cfg(test)]
mod real;
#[cfg(test)]
mod recbole;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod sequences;
