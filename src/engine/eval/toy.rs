//! A tiny log and generator for tests: every event is positive, one minute apart.

use burn::tensor::Device;

use crate::engine::batch::FeatureSpec;
use crate::engine::data::config::DataConfig;
use crate::engine::data::prepare::{PreparedData, prepare_dataset};
use crate::engine::data::{
    Dataset, Feedback, FeedbackFlags, InteractionLog, Item, ItemCatalog, ItemIdx, UserIdx,
};
use crate::engine::model::{Generator, ModelConfig};
use crate::engine::seed::Seed;
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::tokenizer::vocab::TokenVocab;

/// One user per sequence of items; the last item of each is held out.
pub(in crate::engine) fn data(sequences: &[&[u32]], n_items: usize) -> PreparedData {
    let mut log = InteractionLog {
        user_start: vec![0],
        ..InteractionLog::default()
    };
    for (user_idx, sequence) in sequences.iter().enumerate() {
        for (position, item) in sequence.iter().enumerate() {
            log.user.push(UserIdx(user_idx as u32));
            log.item.push(ItemIdx(*item));
            log.time_millis.push(position as i64 * 60_000);
            log.feedback.push(Feedback {
                watch_secs: 1.0,
                flags: FeedbackFlags::VIEW,
            });
        }
        log.user_start.push(log.item.len());
    }
    let items = (0..n_items).map(|idx| Item {
        external_id: format!("item-{idx}"),
        ..Item::default()
    });
    let dataset = Dataset {
        name: "toy".to_owned(),
        format: "test".to_owned(),
        catalog: ItemCatalog {
            items: items.collect(),
        },
        users: (0..sequences.len())
            .map(|idx| format!("user-{idx}"))
            .collect(),
        user_columns: Vec::new(),
        log,
        oracle: None,
        fingerprint: String::new(),
        warnings: Vec::new(),
    };
    prepare_dataset(dataset, "toy".as_ref(), &DataConfig::default()).unwrap()
}

/// Two levels of three codes; items beyond the ninth share IDs with the first ones.
pub(in crate::engine) fn table(n_items: usize) -> SemanticIdTable {
    let codes = (0..n_items as u16).flat_map(|idx| [idx % 9 / 3, idx % 3]);
    SemanticIdTable::new(2, 3, codes.collect())
}

/// An untrained generator for [`table`] and slates of three items.
pub(in crate::engine) fn generator() -> Generator {
    let config = ModelConfig {
        d_model: 8,
        n_heads: 2,
        n_encoder_layers: 1,
        n_decoder_layers: 1,
        d_ff: 16,
        n_experts: 2,
        n_active_experts: 1,
        d_ff_expert: 8,
        history_len: 4,
        ..ModelConfig::default()
    };
    let vocab = TokenVocab {
        n_levels: 2,
        codebook_size: 3,
    };
    let features = FeatureSpec::default();
    config.init(vocab, 3, &features, Seed(5), &Device::flex())
}
