//! What the rules of this host select besides a flow's own looks (E3), over rtnetlink; needs no privilege.
//!
//! In: the rules of one family. Out: marks, types of service and users to ask the forwarding table for.

use std::collections::BTreeSet;

use closedpath_core::observation::Selector;
use futures_util::TryStreamExt;
use rtnetlink::packet_route::rule::{RuleAttribute, RuleMessage};
use rtnetlink::{Error, Handle, IpVersion};

/// Where rules name more than these, nothing is said of any route: what is not asked for might lead away.
const SELECTORS: usize = 32;

/// The marks, types of service and users that rules name, other than those of this process.
///
/// # Errors
///
/// Why the kernel does not tell, or that there are too many.
pub(super) async fn selectors(
    handle: &Handle,
    version: IpVersion,
    own_mark: Option<u32>,
) -> Result<Vec<Selector>, Error> {
    let user = rustix::process::geteuid().as_raw();
    let mut rules = std::pin::pin!(handle.rule().get(version).execute());
    let mut found = BTreeSet::new();
    loop {
        match rules.try_next().await {
            Ok(Some(rule)) => found.extend(of(&rule, own_mark.unwrap_or(0), user)),
            Ok(None) => break,
            // A kernel without rules (CONFIG_IP_MULTIPLE_TABLES).
            Err(Error::NetlinkError(error)) if error.to_io().raw_os_error() == Some(libc::EOPNOTSUPP) => {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    bounded(found).ok_or(Error::RequestFailed)
}

fn bounded(found: BTreeSet<Selector>) -> Option<Vec<Selector>> {
    (found.len() <= SELECTORS).then(|| found.into_iter().collect())
}

fn of(rule: &RuleMessage, own_mark: u32, own_user: u32) -> impl Iterator<Item = Selector> {
    // Of what is 0 the kernel says nothing.
    let (mut mark, mut mask, mut users) = (0, 0, None);
    for attribute in &rule.attributes {
        match attribute {
            RuleAttribute::FwMark(told) => mark = *told,
            RuleAttribute::FwMask(told) => mask = *told,
            RuleAttribute::UidRange(told) => users = Some(*told),
            _ => {}
        }
    }
    // Where unmarked packets are named, others are those with any bit of the mask.
    let named = if mark & mask == 0 { mask & mask.wrapping_neg() } else { mark & mask };
    let tos = Some(rule.header.tos).filter(|tos| *tos != 0).map(Selector::Tos);
    let mark = Some(named).filter(|mark| *mark != 0 && *mark != own_mark).map(Selector::Mark);
    // Who runs as one of these users is asked for anyway.
    let others = users.filter(|users| !(users.start..=users.end).contains(&own_user));
    mark.into_iter().chain(tos).chain(others.map(|users| Selector::User(users.start)))
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_route::rule::RuleUidRange;

    use super::*;

    fn told(attributes: Vec<RuleAttribute>) -> Vec<Selector> {
        let mut rule = RuleMessage::default();
        rule.attributes = attributes;
        of(&rule, 5, 1000).collect()
    }

    #[test]
    fn marks_and_users_that_are_not_the_processs_own_are_told() {
        use RuleAttribute::{FwMark, FwMask, Priority, UidRange};
        let users = |start, end| UidRange(RuleUidRange { start, end });
        assert_eq!(told(vec![Priority(1)]), []);
        assert_eq!(told(vec![FwMark(7), FwMask(u32::MAX)]), [Selector::Mark(7)]);
        assert_eq!(told(vec![FwMark(5), FwMask(u32::MAX)]), [], "it is the probes' own");
        assert_eq!(told(vec![FwMark(0x1234), FwMask(0xff00)]), [Selector::Mark(0x1200)]);
        assert_eq!(told(vec![FwMask(0xff00)]), [Selector::Mark(0x100)]);
        assert_eq!(told(vec![users(1001, 1999)]), [Selector::User(1001)]);
        assert_eq!(told(vec![users(0, 1000)]), []);
        let mut by_tos = RuleMessage::default();
        by_tos.header.tos = 0x10;
        assert_eq!(of(&by_tos, 5, 1000).collect::<Vec<_>>(), [Selector::Tos(0x10)]);
        assert_eq!(told(vec![FwMark(7), FwMask(7), users(0, 9)]), [Selector::Mark(7), Selector::User(0)]);
    }

    #[test]
    fn of_too_many_nothing_is_said_rather_than_of_some() {
        let marks = |count: u32| bounded((1..=count).map(Selector::Mark).collect());
        assert_eq!(marks(32).map(|marks| marks.len()), Some(32));
        assert_eq!(marks(33), None);
    }
}
