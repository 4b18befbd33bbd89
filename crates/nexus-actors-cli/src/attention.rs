//! What an operator should look at first.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::{Actor, Failed, Overview, Waiting, cycle_text};
use crate::text::{Text, count, grouped, time};

/// A wait of a handler that is worth a line.
const LONG_WAIT_MS: f64 = 1000.0;
/// Messages in a mailbox that are worth a line.
const DEEP: u64 = 1000;
/// How full a mailbox with a capacity must be for a line, in percent.
const FULL: u64 = 80;
/// The time over which growth is looked at.
pub(crate) const WINDOW_MS: f64 = 10_000.0;
/// An overview alone shows growth only by the failures that it lists.
const WINDOW_ALONE_MS: f64 = 60_000.0;

/// A line for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attention {
    /// Nothing of it will pass by itself.
    pub(crate) grave: bool,
    pub(crate) text: String,
    /// The path of the actor that it is about.
    pub(crate) path: Option<Text>,
}

/// What has grown since an earlier overview.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growth {
    /// How much earlier that was.
    pub(crate) over_ms: f64,
    pub(crate) dead_letters: u64,
    /// By the ids of actors.
    pub(crate) restarts: HashMap<Text, u64>,
}

/// Returns the lines, the gravest ones first, and then the first of each kind before the second of any: a screen
/// has room for some of them only, and a hundred floods must not hide the actor that restarts without end.
pub(crate) fn attention(overview: &Overview, growth: Option<&Growth>) -> Vec<Attention> {
    let mut lines = silent_workers(overview);
    let in_cycles = cycles(overview, &mut lines);
    let kinds = [
        deep_mailboxes(overview),
        restarts(overview, growth),
        long_waits(overview, &in_cycles),
        Vec::from_iter(dead_letters(overview, growth)),
    ];
    let mut others: Vec<_> = kinds
        .into_iter()
        .flat_map(|kind| kind.into_iter().enumerate())
        .collect();
    others.sort_by_key(|(place, _)| *place);
    lines.extend(others.into_iter().map(|(_, line)| line));
    lines
}

fn silent_workers(overview: &Overview) -> Vec<Attention> {
    let silent = overview
        .workers
        .iter()
        .filter_map(|worker| Some((worker.index, worker.silent.as_ref()?)));
    let line = |(index, silent): (usize, &crate::model::Silent)| {
        let running = silent.running.as_ref();
        let who = running.map(|running| match &running.path {
            Some(path) => format!("; {path} runs there and handles {}", running.message_type),
            None => format!(
                "; the actor {} runs there and handles {}",
                running.id, running.message_type
            ),
        });
        let text = format!(
            "worker {index} is silent: {}{}",
            silent.error,
            who.unwrap_or_default()
        );
        Attention {
            grave: true,
            text,
            path: running.and_then(|running| running.path.clone()),
        }
    };
    silent.map(line).collect()
}

/// Adds a line for each cycle, and returns the paths that are in one.
fn cycles<'a>(overview: &'a Overview, lines: &mut Vec<Attention>) -> HashSet<&'a str> {
    let of_waits = overview
        .waiting
        .iter()
        .filter_map(|waiting| waiting.cycle.as_deref());
    let of_actors = overview
        .top
        .all()
        .filter_map(|actor| actor.cycle.as_deref());
    let (mut seen, mut within) = (HashSet::new(), HashSet::new());
    for cycle in of_waits.chain(of_actors) {
        // Each of its actors reports the cycle, and begins with itself.
        let members: BTreeSet<&Text> = cycle.iter().collect();
        within.extend(members.iter().map(|member| member.raw()));
        if !members.is_empty() && seen.insert(members) {
            let text = format!("cycle of waits: {}", cycle_text(cycle));
            lines.push(Attention {
                grave: true,
                text,
                path: cycle.first().cloned(),
            });
        }
    }
    within
}

fn deep_mailboxes(overview: &Overview) -> Vec<Attention> {
    let mut seen = HashSet::new();
    let deep = |actor: &&Actor| {
        actor.mailbox > DEEP || actor.fullness().is_some_and(|percent| percent > FULL)
    };
    let mut deep: Vec<&Actor> = overview
        .top
        .all()
        .filter(deep)
        .filter(|actor| seen.insert(&actor.id))
        .collect();
    deep.sort_by_key(|actor| std::cmp::Reverse(actor.mailbox));
    let line = |actor: &Actor| {
        let messages = count(actor.mailbox, "message", "messages");
        let text = match (actor.capacity, actor.fullness()) {
            (Some(capacity), Some(percent)) if percent > FULL => format!(
                "{} has {messages} in its mailbox: {percent} % of its capacity of {}",
                actor.path,
                grouped(capacity)
            ),
            _ => format!("{} has {messages} in its mailbox", actor.path),
        };
        Attention {
            grave: false,
            text,
            path: Some(actor.path.clone()),
        }
    };
    deep.into_iter().map(line).collect()
}

fn restarts(overview: &Overview, growth: Option<&Growth>) -> Vec<Attention> {
    let window = if growth.is_some() {
        WINDOW_MS
    } else {
        WINDOW_ALONE_MS
    };
    // By path: how often, in which time, and what the last failure said.
    let mut grown: HashMap<&Text, (u64, f64, Option<&Text>)> = HashMap::new();
    let recent = |failed: &&Failed| failed.at_ms >= overview.uptime_ms - window;
    for failed in overview
        .failures
        .iter()
        .filter(|failed| failed.restarts())
        .filter(recent)
    {
        let entry = grown.entry(&failed.path).or_default();
        *entry = (entry.0 + 1, window, Some(&failed.text));
    }
    if growth.is_none() {
        // One failure is no storm.
        grown.retain(|_, entry| entry.0 > 1);
    }
    let mut in_all = HashMap::new();
    for actor in overview.top.all() {
        in_all.insert(&actor.path, actor.restarts);
        let Some(growth) = growth else { continue };
        // The list of failures is short, and may have lost some.
        let more = growth.restarts.get(&actor.id).copied().unwrap_or(0);
        if more > grown.get(&actor.path).map_or(0, |entry| entry.0) {
            let entry = grown.entry(&actor.path).or_default();
            (entry.0, entry.1) = (more, growth.over_ms);
        }
    }
    let mut grown: Vec<_> = grown.into_iter().collect();
    grown.sort_by_key(|&(path, (times, ..))| (std::cmp::Reverse(times), path));
    let line = |(path, (times, window, failure)): (&Text, (u64, f64, Option<&Text>))| {
        let all = in_all.get(path).filter(|&&all| all > times);
        let all = all.map(|&all| format!(", {} in all", grouped(all)));
        let why = failure.map(|failure| format!("; last: {failure}"));
        let text = format!(
            "{path} has restarted {} in {}{}{}",
            count(times, "time", "times"),
            time(window),
            all.unwrap_or_default(),
            why.unwrap_or_default()
        );
        Attention {
            grave: false,
            text,
            path: Some(path.clone()),
        }
    };
    grown.into_iter().map(line).collect()
}

fn long_waits(overview: &Overview, in_cycles: &HashSet<&str>) -> Vec<Attention> {
    let mut seen = HashSet::new();
    let mut waits: Vec<(f64, Attention)> = Vec::new();
    for actor in &overview.top.longest {
        let Some(handling) = actor
            .handling
            .as_ref()
            .filter(|handling| handling.for_ms > LONG_WAIT_MS)
        else {
            continue;
        };
        seen.insert(actor.path.raw());
        let what = actor
            .waits_for
            .as_ref()
            .map(|what| format!(" for {what}"))
            .unwrap_or_default();
        let text = format!("{} has waited {}{what}", actor.path, time(handling.for_ms));
        waits.push((
            handling.for_ms,
            Attention {
                grave: false,
                text,
                path: Some(actor.path.clone()),
            },
        ));
    }
    for (waiting, for_ms) in long(&overview.waiting) {
        if waiting
            .path
            .as_ref()
            .is_none_or(|path| !seen.contains(path.raw()))
        {
            let text = format!(
                "{} has waited {} for {}",
                waiting.who(),
                time(for_ms),
                waiting.waits_for
            );
            waits.push((
                for_ms,
                Attention {
                    grave: false,
                    text,
                    path: waiting.path.clone(),
                },
            ));
        }
    }
    waits.retain(|(_, line)| {
        line.path
            .as_ref()
            .is_none_or(|path| !in_cycles.contains(path.raw()))
    });
    waits.sort_by(|a, b| b.0.total_cmp(&a.0));
    waits.into_iter().map(|(_, line)| line).collect()
}

fn long(waiting: &[Waiting]) -> impl Iterator<Item = (&Waiting, f64)> {
    waiting
        .iter()
        .filter_map(|waiting| Some((waiting, waiting.for_ms.filter(|&ms| ms > LONG_WAIT_MS)?)))
}

fn dead_letters(overview: &Overview, growth: Option<&Growth>) -> Option<Attention> {
    let growth = growth.filter(|growth| growth.dead_letters > 0)?;
    let reasons = overview.dead_letters.reasons();
    let reason = reasons
        .first()
        .map(|(reason, _)| format!("; most of all: {reason}"))
        .unwrap_or_default();
    let text = format!(
        "{} more in {}, {} in all{reason}",
        count(growth.dead_letters, "dead letter", "dead letters"),
        time(growth.over_ms),
        grouped(overview.dead_letters.total)
    );
    let last = overview.dead_letters.recent.last();
    Some(Attention {
        grave: false,
        text,
        path: last.and_then(|letter| letter.path.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An overview of these parts.
    fn overview(parts: &str) -> Overview {
        let json = format!(r#"{{"pool":"shop","run":"1","uptime_ms":100000,"workers":[]{parts}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn texts(overview: &Overview, growth: Option<&Growth>) -> Vec<String> {
        attention(overview, growth)
            .into_iter()
            .map(|line| line.text)
            .collect()
    }

    #[test]
    fn a_pool_at_rest_needs_none() {
        let calm = overview(
            r#","top":{"deepest":[{"id":"0.1#1","path":"/user/a","mailbox":1000,"restarts":5},
                                  {"id":"0.2#1","path":"/user/b","mailbox":80,"capacity":100}],
                       "longest":[{"id":"0.3#1","path":"/user/c","handling":{"for_ms":1000}}]},
               "dead_letters":{"total":7},"waiting":[{"path":"/user/d","for_ms":999}]"#,
        );
        assert!(attention(&calm, None).is_empty());
        assert!(
            attention(
                &calm,
                Some(&Growth {
                    over_ms: 10_000.0,
                    ..Growth::default()
                })
            )
            .is_empty()
        );
    }

    #[test]
    fn mailboxes_are_flooded_by_number_or_by_share() {
        let flooded = overview(
            r#","top":{"deepest":[{"id":"0.2#1","path":"/user/b","mailbox":81,"capacity":100},
                                  {"id":"0.1#1","path":"/user/a","mailbox":1001}],
                       "busiest":[{"id":"0.1#1","path":"/user/a","mailbox":1001}]}"#,
        );
        let expected = [
            "/user/a has 1,001 messages in its mailbox",
            "/user/b has 81 messages in its mailbox: 81 % of its capacity of 100",
        ];
        assert_eq!(texts(&flooded, None), expected);
    }

    #[test]
    fn a_cycle_is_told_once_and_its_waits_not_at_all() {
        let stuck = overview(
            r#","waiting":[
                {"path":"/user/a","for_ms":5000,"waits_for":{"kind":"actor","path":"/user/b"},"cycle":["/user/a","/user/b"]},
                {"path":"/user/b","for_ms":5000,"waits_for":{"kind":"actor","path":"/user/a"},"cycle":["/user/b","/user/a"]},
                {"path":"/user/c","for_ms":9000,"waits_for":{"kind":"worker","worker":1}},
                {"worker":2,"for_ms":12000,"waits_for":{"kind":"time"}}]"#,
        );
        let expected = [
            "cycle of waits: /user/a -> /user/b -> /user/a",
            "a task of worker 2 has waited 12.0 s for time to pass",
            "/user/c has waited 9.0 s for worker 1",
        ];
        assert_eq!(texts(&stuck, None), expected);
        assert!(attention(&stuck, None)[0].grave);
    }

    #[test]
    fn restarts_and_dead_letters_are_told_while_they_grow() {
        let restarting = overview(
            r#","top":{"restarts":[{"id":"0.1#1","path":"/user/a","restarts":9}]},
               "failures":[{"at_ms":99000,"path":"/user/a","text":"no more\nink","directive":"restart"},
                           {"at_ms":10,"path":"/user/z","text":"long ago","directive":"restart"}],
               "dead_letters":{"total":30,"by_reason":{"full":10,"stopped":20}}"#,
        );
        assert!(texts(&restarting, None).is_empty(), "one failure");
        let growth = Growth {
            over_ms: 10_000.0,
            dead_letters: 3,
            restarts: [(Text::from("0.1#1"), 4)].into_iter().collect(),
        };
        let expected = [
            "/user/a has restarted 4 times in 10.0 s, 9 in all; last: no more\\nink",
            "3 dead letters more in 10.0 s, 30 in all; most of all: stopped",
        ];
        assert_eq!(texts(&restarting, Some(&growth)), expected);
    }

    #[test]
    fn many_lines_of_a_kind_do_not_hide_another_kind() {
        let flooded: Vec<String> = (0..50)
            .map(|i| {
                format!(
                    r#"{{"id":"0.{i}#1","path":"/user/flood-{i}","mailbox":{}}}"#,
                    5000 - i
                )
            })
            .collect();
        let flooded = overview(&format!(
            r#","top":{{"deepest":[{}]}},"waiting":[{{"path":"/user/stuck","for_ms":2000,"waits_for":{{"kind":"time"}}}}]"#,
            flooded.join(",")
        ));
        let texts = texts(&flooded, None);
        assert_eq!(texts.len(), 51);
        assert_eq!(texts[0], "/user/flood-0 has 5,000 messages in its mailbox");
        assert_eq!(texts[1], "/user/stuck has waited 2.0 s for time to pass");
    }

    #[test]
    fn a_silent_worker_comes_first_and_names_its_handler() {
        let json = r#"{"pool":"shop","run":"1","uptime_ms":1,"workers":[{"index":0},
            {"index":1,"silent":{"error":"no answer","running":{"path":"/user/loop","id":"1.4#1","message_type":"app::Spin"}}}],
            "top":{"deepest":[{"id":"0.1#1","path":"/user/a","mailbox":5000}]}}"#;
        let lines = texts(&serde_json::from_str(json).unwrap(), None);
        assert_eq!(
            lines[0],
            "worker 1 is silent: no answer; /user/loop runs there and handles app::Spin"
        );
        assert_eq!(lines.len(), 2);
    }
}
