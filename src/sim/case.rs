//! A case: one run of a test out of all that its simulation can have, in words.

use std::collections::BTreeSet;
use std::fmt;

use super::choices::{Choice, Choices};

/// Everything that decides how a simulation runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) seed: u64,
    /// The step at which chance ends.
    pub(super) orderly_from: u64,
    pub(super) choices: Choices,
    /// The numbers of the faults that are switched off.
    pub(super) without_faults: BTreeSet<usize>,
}

/// An example of how a case is written.
const FORM: &str = "seed=42 steps=100 without=stalls,fault-0";

impl Case {
    /// Everything that `choices` leave to the seed.
    pub(super) fn of(seed: u64, choices: Choices) -> Self {
        Self {
            seed,
            orderly_from: u64::MAX,
            choices,
            without_faults: BTreeSet::new(),
        }
    }

    /// Parses a case as it is printed, for a test that leaves `choices` to the seed.
    pub(super) fn parse(text: &str, choices: Choices) -> Result<Self, String> {
        let mut case = Self::of(0, choices);
        for part in text.split_whitespace() {
            let (key, value) = part.split_once('=').unwrap_or(("seed", part));
            let number = || value.parse().map_err(|_| format!("{value:?} is no number"));
            match key {
                "seed" => case.seed = number()?,
                "steps" => case.orderly_from = number()?,
                "without" => value.split(',').try_for_each(|name| case.leave_out(name))?,
                _ => return Err(format!("{part:?} is no part of a case such as {FORM:?}")),
            }
        }
        Ok(case)
    }

    fn leave_out(&mut self, name: &str) -> Result<(), String> {
        if let Some(choice) = Choice::ALL
            .iter()
            .copied()
            .find(|choice| choice.name() == name)
        {
            self.choices = self.choices.without(choice);
            return Ok(());
        }
        let fault = name
            .strip_prefix("fault-")
            .and_then(|number| number.parse().ok());
        let fault = fault.ok_or_else(|| format!("{name:?} is neither a choice nor a fault"))?;
        self.without_faults.insert(fault);
        Ok(())
    }

    /// The names of what is left out.
    fn left_out(&self) -> Vec<String> {
        let choices = Choice::ALL.iter().copied();
        let choices = choices.filter(|choice| !self.choices.contains(*choice));
        let faults = self.without_faults.iter();
        choices
            .map(|choice| choice.name().to_owned())
            .chain(faults.map(|number| format!("fault-{number}")))
            .collect()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={}", self.seed)?;
        if self.orderly_from != u64::MAX {
            write!(f, " steps={}", self.orderly_from)?;
        }
        let left_out = self.left_out();
        if !left_out.is_empty() {
            write!(f, " without={}", left_out.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_2_a_case_is_read_as_it_is_printed() {
        let mut case = Case::of(42, Choices::ALL.without(Choice::Latency));
        case.orderly_from = 7;
        case.without_faults.extend([0, 3]);
        let text = case.to_string();
        assert_eq!(text, "seed=42 steps=7 without=latency,fault-0,fault-3");
        assert_eq!(Case::parse(&text, Choices::ALL), Ok(case));
        let bare = Case::parse("9", Choices::ALL);
        assert_eq!(bare, Ok(Case::of(9, Choices::ALL)));
    }

    #[test]
    fn s9_2_a_case_that_is_none_is_refused_with_the_reason() {
        let refused = |text| Case::parse(text, Choices::ALL).unwrap_err();
        assert_eq!(refused("seed=x"), "\"x\" is no number");
        assert!(refused("sed=1").contains("seed=42"), "it shows the form");
        assert!(refused("without=luck").contains("neither a choice nor a fault"));
    }
}
