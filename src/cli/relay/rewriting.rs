//! Changes that services in front of a relay are known to make to pages, recognized by the marks that they leave.
//! `no-transform` forbids them, and some make them all the same.

/// A known change of a page on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewriting {
    RocketLoader,
    EmailObfuscation,
    Insights,
    BotDetection,
    Mirage,
    PageSpeed,
    /// White space was removed.
    Minified,
    /// A script was added that leaves no known mark.
    Script,
}

/// The marks of changes, each in the text that the change adds.
const MARKS: [(&str, Rewriting); 11] = [
    ("rocket-loader", Rewriting::RocketLoader),
    ("data-cf-settings", Rewriting::RocketLoader),
    ("/cdn-cgi/l/email-protection", Rewriting::EmailObfuscation),
    ("email-decode.min.js", Rewriting::EmailObfuscation),
    ("__cf_email__", Rewriting::EmailObfuscation),
    ("static.cloudflareinsights.com", Rewriting::Insights),
    ("/cdn-cgi/challenge-platform/", Rewriting::BotDetection),
    ("__CF$cv$params", Rewriting::BotDetection),
    ("mirage2.min.js", Rewriting::Mirage),
    ("data-pagespeed", Rewriting::PageSpeed),
    ("pagespeed_", Rewriting::PageSpeed),
];

impl Rewriting {
    /// The change that made `expected` into `served`, if it is a known one.
    pub(super) fn find(served: &[u8], expected: &[u8]) -> Option<Self> {
        let (served, expected) = (std::str::from_utf8(served).ok()?, std::str::from_utf8(expected).ok()?);
        let is_added = |mark: &str| served.matches(mark).count() > expected.matches(mark).count();
        let marked = MARKS.iter().find(|(mark, _)| is_added(mark)).map(|(_, rewriting)| *rewriting);
        let is_minified = || served.len() < expected.len() && squeezed(served) == squeezed(expected);
        // Another version of the page has another title or other scripts, but as many.
        let is_longer = || is_added("<script") && is_around(served, expected);
        marked.or_else(|| is_minified().then_some(Self::Minified)).or_else(|| is_longer().then_some(Self::Script))
    }

    /// The service and its change.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RocketLoader => "Cloudflare's Rocket Loader",
            Self::EmailObfuscation => "Cloudflare's Email Address Obfuscation",
            Self::Insights => "the beacon of Cloudflare's Web Analytics",
            Self::BotDetection => "Cloudflare's JavaScript detections of bots",
            Self::Mirage => "Cloudflare's Mirage",
            Self::PageSpeed => "the PageSpeed module of a web server",
            Self::Minified => "a proxy that removes white space",
            Self::Script => "a proxy that adds a script",
        }
    }

    /// The setting that the operator must change.
    pub(super) fn fix(self) -> &'static str {
        match self {
            Self::RocketLoader => "turn off Rocket Loader for this host",
            Self::EmailObfuscation => "turn off Email Address Obfuscation for this host",
            Self::Insights => "turn off the automatic setup of Web Analytics for this host",
            Self::BotDetection => "turn off JavaScript detections for this host",
            Self::Mirage => "turn off Mirage for this host",
            Self::PageSpeed => "turn it off for this host: pagespeed off",
            Self::Minified => "turn off minification of HTML for this host",
            Self::Script => "find out which one, and turn that off for this host",
        }
    }
}

/// A text without white space.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Whether `served` begins and ends as `expected` does, apart from what was added right before or behind a tag.
fn is_around(served: &str, expected: &str) -> bool {
    let common = served.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
    let after = served.bytes().rev().zip(expected.bytes().rev()).take_while(|(a, b)| a == b).count();
    common + after >= expected.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::PAGE;

    const OURS: &str = "<!doctype html>\n<html><head> <!-- head -->\n</head><body><script data-cfasync=\"false\">x\
                        </script></body></html>\n";

    fn found(served: &str) -> Option<Rewriting> {
        Rewriting::find(served.as_bytes(), OURS.as_bytes())
    }

    fn with(text: &str) -> String {
        OURS.replace("</body>", &format!("{text}</body>"))
    }

    #[test]
    fn known_changes_are_recognized_by_their_marks() {
        for (text, expected) in [
            ("<script src=\"/cdn-cgi/scripts/7d0fa10a/rocket-loader.min.js\" defer></script>", Rewriting::RocketLoader),
            ("<script src=\"/cdn-cgi/scripts/5c5dd728/email-decode.min.js\"></script>", Rewriting::EmailObfuscation),
            ("<a href=\"/cdn-cgi/l/email-protection\" class=\"__cf_email__\">x</a>", Rewriting::EmailObfuscation),
            ("<script src=\"https://static.cloudflareinsights.com/beacon.min.js\"></script>", Rewriting::Insights),
            ("<script>(function(){window['__CF$cv$params']={r:'1'}})();</script>", Rewriting::BotDetection),
            ("<script data-pagespeed-no-defer>y</script>", Rewriting::PageSpeed),
            ("<script src=\"//ads.example/x.js\"></script>", Rewriting::Script),
        ] {
            assert_eq!(found(&with(text)), Some(expected), "{text}");
        }
        assert_eq!(found(&OURS.replace('\n', "")), Some(Rewriting::Minified));
    }

    #[test]
    fn another_version_of_the_page_is_no_known_change() {
        for other in [OURS.replace(">x<", ">y<"), with("<p>more</p>"), String::new(), format!("{OURS}more")] {
            assert_eq!(found(&other), None, "{other}");
        }
        let newer = "<html><script>1</script><script>2</script></html>";
        assert_eq!(found(newer), None);
    }

    #[test]
    fn the_page_has_no_mark_of_its_own_and_asks_to_be_left_alone() {
        let page = PAGE.html();
        for (mark, _) in MARKS {
            assert!(!page.contains(mark), "{mark}");
        }
        assert_eq!(page.matches("<script").count(), page.matches("<script data-cfasync=\"false\"").count());
    }
}
