//! Caches of what was used lately.

use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync::Cache, sync::DefaultLifecycle};
use std::hash::Hash;

/// Share of what is used again and again. The crate keeps nearly all of its room for that, which suits scans; what clerks
/// ask for is asked for again within the hour and then never: so most of the room goes by age.
const OFTEN: f64 = 0.1;

/// A cache of about `items` that weigh at most `weight`. It takes room as it fills, and gives none back.
#[allow(clippy::expect_used, reason = "both capacities are set")]
pub(crate) fn cache<K, V, W>(items: usize, weight: u64, weighter: W) -> Cache<K, V, W>
where
    K: Eq + Hash,
    V: Clone,
    W: Weighter<K, V> + Clone,
{
    let mut options = OptionsBuilder::new();
    options.estimated_items_capacity(items).weight_capacity(weight).hot_allocation(OFTEN);
    let options = options.build().expect("both capacities are set");
    Cache::with_options(options, weighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_cache::UnitWeighter;

    /// Certificates of one day's cases are verified, and verified again; then those of the next day.
    #[test]
    fn what_was_used_lately_is_there_whatever_was_used_before() {
        let most = 10_000_usize;
        let cache = cache::<usize, usize, _>(most, most as u64, UnitWeighter);
        for day in 0..4 {
            let numbers = || (0..most / 2).map(|number| day * most + number);
            numbers().for_each(|number| cache.insert(number, number));
            let there = numbers().filter(|number| cache.get(number).is_some()).count();
            assert!(there > most * 49 / 100, "{there} on day {day}");
        }
        assert!(cache.len() <= most);
    }
}
