//! Proxy auto-configuration scripts: FindProxyForURL, asked for one URL after another.
//!
//! In: the script, URLs, who resolves names. Out: the script's result, or why there is none. A script may be anybody's: it
//! gets no more than [`MEMORY`] and [`TIME`], and sees nothing but the URL, names it resolves and the clock. What the
//! result means is core's to say (`closedpath_core::pac`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use closedpath_core::pac::LONGEST;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Runtime, Value};

/// What a script may allocate, bytes.
pub const MEMORY: usize = 16 * 1024 * 1024;
/// How long one question may take; waiting for DNS does not count.
pub const TIME: Duration = Duration::from_secs(1);
/// The longest script, bytes.
pub const LARGEST: usize = 1024 * 1024;
/// Stack of the script, bytes.
const STACK: usize = 256 * 1024;
/// Different names that one script may resolve.
const NAMES: usize = 256;

const PRELUDE: &str = include_str!("prelude.js");

/// A script that was loaded.
pub struct Pac {
    context: Context,
    deadline: Rc<Cell<Instant>>,
    /// It took too long or too much once: what it says from then on is not asked.
    spent: Cell<bool>,
}

impl Pac {
    /// Loads a script. `resolve` gives the first IPv4 address of a name; `own` is this host's address.
    pub fn load(
        script: &str,
        own: Ipv4Addr,
        resolve: impl Fn(&str) -> Option<Ipv4Addr> + 'static,
    ) -> Result<Self, String> {
        if script.len() > LARGEST {
            return Err(format!("the PAC script is larger than {LARGEST} bytes"));
        }
        let engine = |error: rquickjs::Error| format!("the PAC engine cannot start: {error}");
        let runtime = Runtime::new().map_err(engine)?;
        runtime.set_memory_limit(MEMORY);
        runtime.set_max_stack_size(STACK);
        let deadline = Rc::new(Cell::new(Instant::now() + TIME));
        let ends = Rc::clone(&deadline);
        runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() > ends.get())));
        let context = Context::full(&runtime).map_err(engine)?;
        let paused = Rc::clone(&deadline);
        let names: RefCell<BTreeMap<String, Option<Ipv4Addr>>> = RefCell::default();
        let resolve = move |name: String| -> Option<String> {
            if let Ok(ip) = name.parse::<Ipv4Addr>() {
                return Some(ip.to_string());
            }
            if let Some(known) = names.borrow().get(&name) {
                return known.map(|ip| ip.to_string());
            }
            if name.is_empty() || name.len() > 253 || names.borrow().len() >= NAMES {
                return None;
            }
            let began = Instant::now();
            let found = resolve(&name);
            paused.set(paused.get() + began.elapsed());
            names.borrow_mut().insert(name, found);
            found.map(|ip| ip.to_string())
        };
        let pac = Self { context, deadline, spent: Cell::new(false) };
        pac.within(|ctx| {
            let globals = ctx.globals();
            globals
                .set("$resolve", Function::new(ctx.clone(), move |name: String| Nullable(resolve(name)))?)?;
            globals.set("$own", Function::new(ctx.clone(), move || own.to_string())?)?;
            ctx.eval::<(), _>(PRELUDE)?;
            let mut options = rquickjs::context::EvalOptions::default();
            options.strict = false;
            ctx.eval_with_options::<(), _>(script, options)
        })
        .map_err(|why| format!("the PAC script cannot be loaded: {why}"))?;
        Ok(pac)
    }

    /// What FindProxyForURL returns for a URL and its host.
    pub fn ask(&self, url: &str, host: &str) -> Result<String, String> {
        self.within(|ctx| {
            let find: Value<'_> = ctx.globals().get("FindProxyForURL")?;
            let Some(find) = find.as_function() else { return Ok(Err("it has no function FindProxyForURL")) };
            let result: Value<'_> = find.call((url, host))?;
            Ok(match result.as_string() {
                Some(text) => Ok(text.to_string()?),
                // Netscape: "If the string is null, no proxies should be used."
                None if result.is_null() => Ok("DIRECT".to_string()),
                None => Err("FindProxyForURL returns no text"),
            })
        })
        .and_then(|result| result.map_err(str::to_string))
        .and_then(|text| match text.len() {
            0..=LONGEST => Ok(text),
            _ => Err(format!("FindProxyForURL returns more than {LONGEST} bytes")),
        })
        .map_err(|why| format!("the PAC script cannot be asked: {why}"))
    }

    /// Runs within the bounds, and puts what the script throws into words.
    fn within<T>(&self, act: impl for<'js> FnOnce(Ctx<'js>) -> rquickjs::Result<T>) -> Result<T, String> {
        if self.spent.get() {
            return Err("it took too long or too much memory before".to_string());
        }
        self.deadline.set(Instant::now() + TIME);
        let outcome = self.context.with(|ctx| act(ctx.clone()).catch(&ctx).map_err(|error| words(&error)));
        if Instant::now() > self.deadline.get() {
            self.spent.set(true);
            return Err(format!("it takes longer than {} s", TIME.as_secs()));
        }
        if outcome.as_ref().is_err_and(|why| why.contains("out of memory")) {
            self.spent.set(true);
        }
        outcome
    }
}

/// `None` is null for scripts, not undefined.
struct Nullable(Option<String>);

impl<'js> rquickjs::IntoJs<'js> for Nullable {
    fn into_js(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        match self.0 {
            Some(text) => text.into_js(ctx),
            None => Ok(Value::new_null(ctx.clone())),
        }
    }
}

/// One line, not long: a script writes it.
fn words(error: &CaughtError<'_>) -> String {
    let text = match error {
        CaughtError::Exception(exception) => exception.message().unwrap_or_default(),
        CaughtError::Value(_) => "it throws what is no error".to_string(),
        CaughtError::Error(error) => error.to_string(),
    };
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(160).collect()
}
