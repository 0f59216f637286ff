//! A whole stack in this process: services, functions, front, event sources, schedules.

use crate::clock;
use crate::controls::{Controls, Depth, Status, SweepReport};
use crate::demo;
use crate::demo_env;
use crate::front::{Front, serve_front};
use crate::functions::Function;
use crate::invocations::Invocations;
use crate::options::{Options, StartError};
use crate::provision::provision;
use crate::ready::Ready;
use crate::resources::{Resources, lambda_environment};
use crate::route::Routes;
use crate::simulated;
use crate::source::{EventSource, POLLERS};
use crate::template::{self, ACCOUNT, REGION, Template};
use embedded_aws::{Calls, EmbeddedAws, Faults, StackClock};
use platform::Platform;
use platform::aws::Aws;
use platform::config::Config;
use simulator::Simulator;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// The stage of a local stack, as every name carries it.
const STAGE: &str = "local";
/// How long a stop waits for what is under way.
const DRAIN: Duration = Duration::from_secs(10);

/// A running stack. Dropping it ends it at once, as a power switch would; [`Stack::stop`] ends it in order.
pub struct Stack {
    ready: Ready,
    controls: Controls,
    stop: watch::Sender<bool>,
    stop_services: watch::Sender<bool>,
    /// Front, event sources, schedules.
    tasks: JoinSet<()>,
    services: JoinSet<()>,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("base_url", &self.ready.base_url).finish_non_exhaustive()
    }
}

impl Stack {
    /// Starts a stack and returns when it serves.
    ///
    /// # Errors
    /// What keeps it from starting, in one line.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if let Some(file) = &options.ready_file {
            // What waits for the file must not find that of an earlier stack.
            let _absent = std::fs::remove_file(file);
        }
        let text = template_text(options.template.as_deref())?;
        let template = Template::parse(&text, STAGE, &[])?;
        let front_listener = listen(options.port).await?;
        let port = port_of(&front_listener, options.port)?;

        let (clock, faults) = (StackClock::new(), Faults::new());
        let embedded = EmbeddedAws::open(embedded_aws::Options {
            data_dir: options.data_dir.clone(),
            region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            clock: clock.clone(),
            faults: faults.clone(),
            release_in_flight: true,
        })?;
        // The next port, if it is free: then a command line with the endpoint in it works again after a restart.
        let aws_listener = match options.port.checked_add(1).filter(|_| options.port != 0) {
            Some(next) => match listen(next).await {
                Ok(listener) => listener,
                Err(_) => listen(0).await?,
            },
            None => listen(0).await?,
        };
        let endpoint = format!("http://127.0.0.1:{}", port_of(&aws_listener, 0)?);
        let (stop_services, stopped) = watch::channel(false);
        let mut services = JoinSet::new();
        services.spawn(embedded.clone().serve(aws_listener, turned_true(stopped)));

        let own = lambda_environment("stack", &endpoint);
        let aws = client(own)?;
        let resources = provision(&template, &aws, &embedded).await?;
        let shared_clock = clock::shared(clock.clone());
        let config = resources.own_config(&template, &endpoint)?;
        let platform = Platform::new(&config, Arc::clone(&shared_clock))
            .map_err(|error| StartError::set_up("the demo tenants", &error))?;
        let tenants = if options.demo {
            demo::tenants(&platform, options.data_dir.as_deref(), options.demo_rate_per_minute).await?
        } else {
            Vec::new()
        };
        let mut ready = describe(&template, &resources, port, endpoint)?;
        ready.tenants = tenants;
        for tenant in &mut ready.tenants {
            tenant.webhook_url = format!("{}/v1/webhooks/whatsapp/{}", ready.base_url, tenant.id);
        }
        // The drop-in route without a tenant in its path leads to the demo tenant on Meta.
        let template = match ready.tenants.iter().find(|tenant| tenant.meta.is_some()) {
            Some(tenant) => Template::parse(&text, STAGE, &[("SingleTenantId", &tenant.id)])?,
            None => template,
        };

        let simulator = simulated::simulator(&ready, options.data_dir.as_deref(), &clock, &faults)?;
        let outside = simulated::environment(&options, &ready);
        let invocations = Invocations::default();
        faults.on_crash({
            let invocations = invocations.clone();
            move |function| {
                invocations.kill(function);
            }
        });
        let mut functions = Vec::with_capacity(template.functions.len());
        let test_key = ready.tenants.first().map(|tenant| tenant.keys.test_admin.clone());
        for described in &template.functions {
            let config = resources.config(described, &ready.aws_endpoint_url, &outside)?;
            functions.push(Arc::new(Function::start(
                described,
                &config,
                &shared_clock,
                test_key.as_deref(),
            )?));
        }

        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (described, function) in template.functions.iter().zip(&functions) {
            for source in event_sources(described, function, &resources, &aws, &invocations)? {
                for _ in 0..POLLERS {
                    tasks.spawn(Arc::clone(&source).poll(stopping.clone()));
                }
            }
        }
        let controls = Controls {
            embedded,
            invocations: invocations.clone(),
            clock,
            faults,
            aws,
            names: Arc::new(names(&template)),
            dead_letters: Arc::new(dead_letters(&template, &resources)?),
            crm_table: ready.tables.get("crm").map_or("", String::as_str).into(),
            parked: Arc::default(),
            scheduled: Arc::new(Mutex::new(functions.clone())),
            simulator: simulator.clone(),
        };
        for schedule in template.functions.iter().flat_map(|function| &function.schedules) {
            tasks.spawn(run_on_schedule(schedule.every, controls.clone(), stopping.clone()));
        }
        let on_meta = ready.tenants.iter().find(|tenant| tenant.meta.is_some());
        let single_tenant = on_meta.map(|tenant| tenant.id.clone());
        let routes = Routes::of(&template);
        let front = Front {
            routes,
            functions,
            invocations,
            simulator,
            single_tenant,
            store: platform.store,
            controls: controls.clone(),
        };
        tasks.spawn(serve_front(front_listener, Arc::new(front), stopping));
        if let Some(dir) = options.data_dir.as_deref().filter(|_| options.demo) {
            demo_env::write_file(&ready, dir)?;
        }
        if let Some(file) = &options.ready_file {
            ready.write(file)?;
        }
        Ok(Self { ready, controls, stop, stop_services, tasks, services })
    }

    /// Addresses, names and demo tenants: what the ready file says.
    #[must_use]
    pub const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The stack's clock.
    #[must_use]
    pub const fn clock(&self) -> &StackClock {
        &self.controls.clock
    }

    /// The fault rules.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.controls.faults
    }

    /// What each function asked of the AWS services since the start.
    #[must_use]
    pub fn aws_calls(&self) -> Calls {
        self.controls.embedded.calls()
    }

    /// The simulated providers.
    #[must_use]
    pub const fn simulator(&self) -> &Simulator {
        &self.controls.simulator
    }

    /// How busy the stack is.
    pub async fn status(&self) -> Status {
        self.controls.status().await
    }

    /// How full the queues are, by short name.
    #[must_use]
    pub fn queues(&self) -> BTreeMap<String, Depth> {
        self.controls.depths().1
    }

    /// Waits until nothing waits and nothing runs; false when that takes longer than `patience`.
    pub async fn wait_idle(&self, patience: Duration) -> bool {
        let idle = async {
            while !self.controls.depths().0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(patience, idle).await.is_ok()
    }

    /// Runs every scheduled function once, and expires items.
    ///
    /// # Errors
    /// What kept a function from ending well.
    pub async fn sweep(&self) -> Result<SweepReport, String> {
        self.controls.sweep().await
    }

    /// Kills what runs of a function, as if its process had died; says how many invocations that were.
    pub fn kill_invocations(&self, function: &str) -> usize {
        self.controls.invocations.kill(function)
    }

    /// Stops in order: takes nothing new, lets what is under way end for at most ten seconds, closes the files.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.controls.simulator.stop();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("what was still under way after {DRAIN:?} was cut off");
        }
        self.controls.invocations.drain(Duration::ZERO).await;
        self.tasks.shutdown().await;
        self.stop_services.send_replace(true);
        while self.services.join_next().await.is_some() {}
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Its webhooks would find nobody.
        self.controls.simulator.stop();
    }
}

fn template_text(file: Option<&Path>) -> Result<String, StartError> {
    match file {
        None => Ok(template::DEPLOYED.to_owned()),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|cause| StartError::TemplateFile { path: path.to_path_buf(), cause }),
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|cause| StartError::Port { port, cause })
}

fn port_of(listener: &TcpListener, port: u16) -> Result<u16, StartError> {
    let address = listener.local_addr().map_err(|cause| StartError::Port { port, cause })?;
    Ok(address.port())
}

async fn turned_true(mut signal: watch::Receiver<bool>) {
    let _gone = signal.wait_for(|on| *on).await;
}

/// The client of the stack itself; its name is no function's, so that no crash is laid at its door.
fn client(environment: BTreeMap<String, String>) -> Result<Aws, StartError> {
    let failed = |error: &dyn std::error::Error| StartError::set_up("the AWS client", error);
    let config = Config::from_lookup(|name| match name {
        "HADAR_CRM_TABLE" => Some("-".to_owned()),
        name => environment.get(name).cloned(),
    })
    .map_err(|error| failed(&error))?;
    Aws::new(&config.aws, &config.function).map_err(|error| failed(&error))
}

fn describe(
    template: &Template,
    resources: &Resources,
    port: u16,
    endpoint: String,
) -> Result<Ready, StartError> {
    let base_url = format!("http://127.0.0.1:{port}");
    let mut ready = Ready {
        sim_url: format!("{base_url}/_sim"),
        base_url,
        aws_endpoint_url: endpoint,
        queues: BTreeMap::new(),
        tables: BTreeMap::new(),
        tenants: Vec::new(),
    };
    for queue in &template.queues {
        let url = resources.get(&queue.id)?.reference.clone();
        ready.queues.insert(template.short_name(&queue.name).to_owned(), url);
    }
    for table in &template.tables {
        ready.tables.insert(template.short_name(&table.name).to_owned(), table.name.clone());
    }
    Ok(ready)
}

/// Full names of queues and tables, by short name.
fn names(template: &Template) -> BTreeMap<String, String> {
    let queues = template.queues.iter().map(|queue| &queue.name);
    let tables = template.tables.iter().map(|table| &table.name);
    queues.chain(tables).map(|name| (template.short_name(name).to_owned(), name.clone())).collect()
}

fn dead_letters(template: &Template, resources: &Resources) -> Result<Vec<String>, StartError> {
    let targets = template.queues.iter().filter_map(|queue| queue.redrive.as_ref());
    targets.map(|redrive| Ok(resources.get(&redrive.target)?.name.clone())).collect()
}

fn event_sources(
    described: &template::Function,
    function: &Arc<Function>,
    resources: &Resources,
    aws: &Aws,
    invocations: &Invocations,
) -> Result<Vec<Arc<EventSource>>, StartError> {
    let mut sources = Vec::with_capacity(described.sources.len());
    for source in &described.sources {
        let Some(start) = function.environment() else {
            let problem = format!("{}: the function {} takes no queue", described.id, described.binary);
            return Err(StartError::Template(problem));
        };
        let queue = resources.get(&source.queue)?;
        sources.push(Arc::new(EventSource {
            function: described.binary.clone(),
            timeout: described.timeout,
            queue_url: queue.reference.clone(),
            queue_arn: queue.arn.clone(),
            region: REGION.to_owned(),
            batch_size: usize::try_from(source.batch_size).unwrap_or(10),
            window: source.window,
            reports_failures: source.reports_failures,
            aws: aws.clone(),
            invocations: invocations.clone(),
            start,
        }));
    }
    Ok(sources)
}

/// Runs the scheduled functions each `every` of the stack's time; a clock that was moved far makes one run due.
async fn run_on_schedule(every: Duration, controls: Controls, mut stop: watch::Receiver<bool>) {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    loop {
        let due = controls.clock.now_ms().saturating_add(every);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = controls.clock.sleep_until(due) => {}
        }
        if let Err(error) = controls.sweep().await {
            tracing::warn!("a scheduled run failed: {error}");
        }
    }
}

#[cfg(test)]
mod tests;
