//! Slates from the generator: a beam search over whole sessions, and items for its semantic IDs.

use rand::Rng;

use crate::engine::batch::{ContextBatch, ContextReader};
use crate::engine::control::RunControl;
use crate::engine::data::{ItemIdx, Moment};
use crate::engine::decode::{Beam, Sampling, beam_search, sample, slate_items};
use crate::engine::error::EngineError;
use crate::engine::model::Generator;
use crate::engine::tokenizer::Code;
use crate::engine::tokenizer::trie::SemanticIdTrie;

/// Turns moments into slates.
#[derive(Debug)]
pub struct SlateGenerator<'a> {
    /// What the generator sees of a moment.
    pub reader: &'a ContextReader<'a>,
    trie: SemanticIdTrie,
    popularity: &'a [u32],
    /// Items per slate.
    pub slate_len: usize,
    /// Slates per user: the beams of the search.
    pub n_slates: usize,
    /// Users per batch.
    pub batch_size: usize,
}

/// One slate.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedSlate {
    /// The items in order; of items that share an ID, the most popular one.
    pub items: Vec<ItemIdx>,
    /// Their semantic IDs one after the other, `[slate_len * n_levels]`.
    pub codes: Vec<Code>,
    /// Sum of the log-probabilities of the codes.
    pub log_prob: f32,
}

/// A semantic ID written without constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeId {
    /// One code per level.
    pub codes: Vec<Code>,
    /// Whether it belongs to an item.
    pub is_legal: bool,
}

impl<'a> SlateGenerator<'a> {
    /// `popularity` decides between items that share an ID.
    pub fn new(
        reader: &'a ContextReader<'a>,
        popularity: &'a [u32],
        slate_len: usize,
        n_slates: usize,
        batch_size: usize,
    ) -> Self {
        Self {
            reader,
            trie: SemanticIdTrie::new(reader.table()),
            popularity,
            slate_len,
            n_slates,
            batch_size,
        }
    }

    /// The semantic IDs that some item has.
    pub fn trie(&self) -> &SemanticIdTrie {
        &self.trie
    }

    /// Slates for each moment, most probable first. Progress is in moments done.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn generate(
        &self,
        model: &Generator,
        moments: &[Moment],
        control: &RunControl,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Vec<Vec<GeneratedSlate>>, EngineError> {
        let device = model.device();
        let mut slates = Vec::with_capacity(moments.len());
        for batch in moments.chunks(self.batch_size) {
            let context = self.reader.read(batch).to_device(&device);
            let trie = Some(&self.trie);
            let found = beam_search(
                model,
                &context,
                trie,
                self.slate_len,
                self.n_slates,
                control,
            )?;
            slates.extend(
                found
                    .into_iter()
                    .map(|beams| beams.into_iter().map(|beam| self.slate(beam)).collect()),
            );
            on_progress(slates.len() as u64, moments.len() as u64);
        }
        Ok(slates)
    }

    /// Slates drawn at random for each moment, in the order drawn.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn sample(
        &self,
        model: &Generator,
        moments: &[Moment],
        sampling: &Sampling,
        rng: &mut impl Rng,
        control: &RunControl,
    ) -> Result<Vec<Vec<GeneratedSlate>>, EngineError> {
        let (trie, n_items) = (Some(&self.trie), self.slate_len);
        let mut slates = Vec::with_capacity(moments.len());
        for context in self.batches(model, moments) {
            let n = self.n_slates;
            let drawn = sample(model, &context, trie, n_items, n, sampling, rng, control)?;
            slates.extend(
                drawn
                    .into_iter()
                    .map(|beams| beams.into_iter().map(|beam| self.slate(beam)).collect()),
            );
        }
        Ok(slates)
    }

    /// Single semantic IDs drawn for each moment without any constraint, so that they may belong to no item,
    /// likeliest first.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn sample_free_ids(
        &self,
        model: &Generator,
        moments: &[Moment],
        n_ids: usize,
        sampling: &Sampling,
        rng: &mut impl Rng,
        control: &RunControl,
    ) -> Result<Vec<Vec<FreeId>>, EngineError> {
        let mut ids = Vec::with_capacity(moments.len());
        for context in self.batches(model, moments) {
            let drawn = sample(model, &context, None, 1, n_ids, sampling, rng, control)?;
            ids.extend(drawn.into_iter().map(|mut beams| {
                beams.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
                self.free_ids(beams)
            }));
        }
        Ok(ids)
    }

    /// The `n_ids` likeliest single semantic IDs for each moment without any constraint, so that they may belong to no
    /// item, likeliest first. They differ, other than drawn ones.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn likeliest_free_ids(
        &self,
        model: &Generator,
        moments: &[Moment],
        n_ids: usize,
        control: &RunControl,
    ) -> Result<Vec<Vec<FreeId>>, EngineError> {
        let mut ids = Vec::with_capacity(moments.len());
        for context in self.batches(model, moments) {
            let found = beam_search(model, &context, None, 1, n_ids, control)?;
            ids.extend(found.into_iter().map(|beams| self.free_ids(beams)));
        }
        Ok(ids)
    }

    fn free_ids(&self, beams: Vec<Beam>) -> Vec<FreeId> {
        beams
            .into_iter()
            .map(|beam| FreeId {
                is_legal: self.trie.is_legal(&beam.codes),
                codes: beam.codes,
            })
            .collect()
    }

    fn batches(&self, model: &Generator, moments: &[Moment]) -> impl Iterator<Item = ContextBatch> {
        let device = model.device();
        moments
            .chunks(self.batch_size)
            .map(move |batch| self.reader.read(batch).to_device(&device))
    }

    fn slate(&self, beam: Beam) -> GeneratedSlate {
        GeneratedSlate {
            items: slate_items(&beam.codes, self.reader.table(), self.popularity),
            codes: beam.codes,
            log_prob: beam.log_prob,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::eval::toy;

    #[test]
    fn slates_hold_distinct_items_and_come_best_first() {
        let table = toy::table(9);
        let popularity = [0; 9];
        let reader = ContextReader::session(&table, 4);
        let generator = SlateGenerator::new(&reader, &popularity, 3, 6, 2);
        let moments =
            [vec![ItemIdx(1)], vec![], vec![ItemIdx(4), ItemIdx(2)]].map(Moment::from_history);
        let control = RunControl::default();
        let mut done = Vec::new();
        let slates = generator
            .generate(&toy::generator(), &moments, &control, &mut |n, _| {
                done.push(n);
            })
            .unwrap();
        assert_eq!(done, [2, 3]);
        assert_eq!(slates.len(), 3);
        for slates in &slates {
            assert_eq!(slates.len(), 6);
            assert!(slates.is_sorted_by(|a, b| a.log_prob >= b.log_prob));
            for slate in slates {
                let codes: Vec<Code> = slate
                    .items
                    .iter()
                    .flat_map(|item| table.sid(*item))
                    .copied()
                    .collect();
                assert_eq!(codes, slate.codes);
                let mut items = slate.items.clone();
                items.sort_unstable();
                items.dedup();
                assert_eq!(items.len(), 3);
            }
        }
        let free = generator
            .likeliest_free_ids(&toy::generator(), &moments, 6, &control)
            .unwrap();
        assert_eq!(free.len(), 3);
        for ids in &free {
            let mut codes: Vec<&[Code]> = ids.iter().map(|id| id.codes.as_slice()).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), 6, "each counts once");
            for id in ids {
                assert_eq!(id.is_legal, table.is_legal(&id.codes));
            }
        }
        control.stop();
        let stopped = generator.generate(&toy::generator(), &moments, &control, &mut |_, _| {});
        assert!(matches!(stopped, Err(EngineError::Stopped)));
    }
}
