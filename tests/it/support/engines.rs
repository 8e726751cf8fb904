//! Tests that run in every browser engine.

/// Makes one test per function and engine, such as `engines::firefox::photo_opens_once_and_leaves_nothing`.
macro_rules! in_every_engine {
    ($($test:ident),* $(,)?) => {
        in_every_engine!(chromium Chromium $($test)*);
        in_every_engine!(firefox Firefox $($test)*);
        in_every_engine!(webkit WebKit $($test)*);
    };
    ($module:ident $engine:ident $($test:ident)*) => {
        mod $module {
            $(
                #[test]
                #[ignore = "needs browsers: tests/all"]
                fn $test() {
                    super::$test($crate::support::Engine::$engine);
                }
            )*
        }
    };
}
pub(crate) use in_every_engine;
