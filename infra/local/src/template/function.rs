//! A function: its binary, its environment, and the routes, queues and schedules that call it.

use super::TemplateError;
use super::node::Node;
use super::text::Text;
use std::collections::BTreeMap;
use std::time::Duration;

/// A Lambda function of the template.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its logical id.
    pub id: String,
    /// The binary it runs, which is the name of its crate.
    pub binary: String,
    /// After this long an invocation is ended.
    pub timeout: Duration,
    /// Its variables, with references to resources unresolved.
    pub environment: BTreeMap<String, Text>,
    /// The HTTP routes it answers.
    pub routes: Vec<Route>,
    /// The queues it is fed from.
    pub sources: Vec<Source>,
    /// When it runs by itself.
    pub schedules: Vec<Schedule>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// An HTTP method or `ANY`.
    pub method: String,
    /// Such as `/v1/leads/{id}`, or `$default`.
    pub path: String,
}

/// An SQS event source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The logical id of the queue.
    pub queue: String,
    /// The most records of one invocation.
    pub batch_size: u64,
    /// How long a batch may be gathered.
    pub window: Duration,
    /// Whether the function names the records that failed; if not, a batch fails or succeeds as one.
    pub reports_failures: bool,
    /// Where it stands in the template.
    pub(super) at: String,
}

/// A schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// From one run to the next.
    pub every: Duration,
}

const IDLE: [&str; 17] = [
    "Architectures",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "CodeUri",
    "DeploymentPreference",
    "Description",
    "FunctionName",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "Policies",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "Tags",
    "Tracing",
    "EphemeralStorage",
];

impl Function {
    pub(super) fn read(
        id: &str,
        resource: &Node<'_>,
        globals: Option<&Node<'_>>,
    ) -> Result<Self, TemplateError> {
        let metadata = resource.required("Metadata")?.required("BuildProperties")?;
        let properties = resource.required("Properties")?;
        properties.only(&["Timeout", "Environment", "Events"], &IDLE)?;
        let mut environment = BTreeMap::new();
        let mut timeout = 3;
        for part in globals.into_iter().chain([&properties]) {
            if let Some(seconds) = part.get("Timeout")? {
                timeout = seconds.number()?;
            }
            let variables = part.get("Environment")?.map(|block| block.required("Variables")).transpose()?;
            for (name, value) in variables.map(|node| node.entries()).transpose()?.unwrap_or_default() {
                environment.insert(name, value.text()?);
            }
        }
        let mut function = Self {
            id: id.to_owned(),
            binary: metadata.required("Binary")?.string()?,
            timeout: Duration::from_secs(timeout),
            environment,
            routes: Vec::new(),
            sources: Vec::new(),
            schedules: Vec::new(),
        };
        for (_, event) in
            properties.get("Events")?.map(|node| node.entries()).transpose()?.unwrap_or_default()
        {
            function.read_event(&event)?;
        }
        Ok(function)
    }

    fn read_event(&mut self, event: &Node<'_>) -> Result<(), TemplateError> {
        let kind = event.required("Type")?.string()?;
        let properties = event.required("Properties")?;
        match kind.as_str() {
            "HttpApi" => self.routes.push(Route::read(&properties)?),
            "SQS" => self.sources.push(Source::read(&properties)?),
            "Schedule" | "ScheduleV2" => self.schedules.push(Schedule::read(&properties)?),
            other => {
                return Err(
                    event.fault(format!("an event of type {other} is not supported by the local stack"))
                );
            }
        }
        Ok(())
    }
}

impl Route {
    fn read(properties: &Node<'_>) -> Result<Self, TemplateError> {
        properties.only(&["Path", "Method"], &["ApiId", "RouteSettings"])?;
        let path = properties.required("Path")?;
        let text = path.string()?;
        if text != "$default" && !text.starts_with('/') {
            return Err(path.fault("must start with / or be $default"));
        }
        Ok(Self { method: properties.required("Method")?.string()?.to_ascii_uppercase(), path: text })
    }
}

impl Source {
    fn read(properties: &Node<'_>) -> Result<Self, TemplateError> {
        properties.only(
            &["Queue", "BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes"],
            &["ScalingConfig"],
        )?;
        let batch_size = properties.get("BatchSize")?.map_or(Ok(10), |node| node.number())?;
        let window = properties.get("MaximumBatchingWindowInSeconds")?.map_or(Ok(0), |node| node.number())?;
        if batch_size == 0 || (batch_size > 10 && window == 0) {
            return Err(properties.fault("BatchSize must be 1 to 10; more needs a batching window"));
        }
        let mut reports_failures = false;
        for kind in
            properties.get("FunctionResponseTypes")?.map(|node| node.items()).transpose()?.unwrap_or_default()
        {
            match kind.string()?.as_str() {
                "ReportBatchItemFailures" => reports_failures = true,
                other => return Err(kind.fault(format!("{other} is not supported by the local stack"))),
            }
        }
        Ok(Self {
            queue: properties.required("Queue")?.resource()?,
            batch_size,
            window: Duration::from_secs(window),
            reports_failures,
            at: properties.at().to_owned(),
        })
    }
}

impl Schedule {
    fn read(properties: &Node<'_>) -> Result<Self, TemplateError> {
        properties
            .only(&["ScheduleExpression"], &["Name", "Description", "RetryPolicy", "DeadLetterConfig"])?;
        let expression = properties.required("ScheduleExpression")?;
        let text = expression.string()?;
        let rate = || {
            let (count, unit) = text.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
            let seconds = match unit.trim_end_matches('s') {
                "minute" => 60,
                "hour" => 3_600,
                "day" => 86_400,
                _ => return None,
            };
            count.parse::<u64>().ok().filter(|count| *count > 0)?.checked_mul(seconds)
        };
        let every = rate().ok_or_else(|| {
            expression.fault(format!("{text} is not supported by the local stack; use rate(n minutes)"))
        })?;
        Ok(Self { every: Duration::from_secs(every) })
    }
}
