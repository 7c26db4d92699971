//! Which operations a path belongs to.

use crate::Operation;

/// A table of operations, prepared for finding those of a path: the authorizer
/// does it for every request.
#[derive(Debug)]
pub struct Routes<'t> {
    /// By number of segments.
    by_length: Vec<Vec<Route<'t>>>,
    /// Those that end with a parameter for the rest of the path.
    open: Vec<Route<'t>>,
}

#[derive(Debug)]
struct Route<'t> {
    operation: &'t Operation,
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Text(&'static str),
    Parameter(&'static str),
    /// `{name+}`: this segment and all that follow.
    Rest(&'static str),
}

/// An operation of a path, and the path's parameters as they stand in it.
pub type Match<'t, 'p> = (&'t Operation, Vec<(&'static str, &'p str)>);

impl<'t> Routes<'t> {
    /// The routes of a table.
    pub fn new(table: &'t [Operation]) -> Self {
        let (mut by_length, mut open): (Vec<Vec<Route<'t>>>, _) = (Vec::new(), Vec::new());
        for operation in table {
            let Some((_, path)) = operation.route() else { continue };
            let segment = |segment: &'static str| match segment
                .strip_prefix('{')
                .and_then(|segment| segment.strip_suffix('}'))
            {
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Rest(name),
                    None => Segment::Parameter(name),
                },
                None => Segment::Text(segment),
            };
            let segments: Vec<Segment> = path.split('/').map(segment).collect();
            if matches!(segments.last(), Some(Segment::Rest(_))) {
                open.push(Route { operation, segments });
                continue;
            }
            while by_length.len() <= segments.len() {
                by_length.push(Vec::new());
            }
            by_length[segments.len()].push(Route { operation, segments });
        }
        Self { by_length, open }
    }

    /// The operations whose path template `path` fits, whatever the method, in
    /// the order of the table, those with a parameter for the rest last. Any other
    /// parameter is one segment; none is empty.
    ///
    /// ```
    /// # use operations::{OPERATIONS, Routes};
    /// let routes = Routes::new(OPERATIONS);
    /// let names = |path| routes.matching(path).into_iter().map(|(o, _)| o.name).collect::<Vec<_>>();
    /// assert_eq!(names("/tenants"), ["add-tenant", "list-tenants"]);
    /// assert_eq!(names("/tenants/acme"), ["delete-tenant", "get-tenant", "update-tenant"]);
    /// assert!(names("/tenants/").is_empty());
    /// let (_, parameters) = routes.matching("/tenants/acme").remove(0);
    /// assert_eq!(parameters, [("tenant", "acme")]);
    /// ```
    pub fn matching<'p>(&self, path: &'p str) -> Vec<Match<'t, 'p>> {
        let actual: Vec<&str> = path.split('/').collect();
        let fits = |route: &&Route<'t>| {
            route.segments.iter().zip(&actual).all(|(expected, segment)| match expected {
                Segment::Text(text) => text == segment,
                Segment::Parameter(_) | Segment::Rest(_) => !segment.is_empty(),
            })
        };
        let parameters = |route: &Route<'t>| {
            let pairs = route.segments.iter().zip(&actual);
            let named = pairs.filter_map(|(expected, segment)| match expected {
                Segment::Parameter(name) => Some((*name, *segment)),
                Segment::Rest(name) => Some((*name, rest(path, route.segments.len() - 1))),
                Segment::Text(_) => None,
            });
            named.collect()
        };
        let open = self.open.iter().filter(|route| route.segments.len() <= actual.len());
        let routes = self.by_length.get(actual.len()).into_iter().flatten().chain(open);
        routes.filter(fits).map(|route| (route.operation, parameters(route))).collect()
    }
}

impl Operation {
    /// Whether `path` (without stage) is an instance of this operation's
    /// template; gives the value of each parameter, as it stands in the path.
    ///
    /// ```
    /// let operation = operations::get("get-tenant");
    /// assert_eq!(operation.matches("/tenants/acme"), Some(vec![("tenant", "acme")]));
    /// assert_eq!(operation.matches("/tenants/acme/apps"), None);
    /// ```
    pub fn matches<'p>(&self, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
        let found = Routes::new(std::slice::from_ref(self)).matching(path).pop();
        found.map(|(_, parameters)| parameters)
    }
}

/// What is left of a path after so many segments.
fn rest(path: &str, segments: usize) -> &str {
    path.splitn(segments + 1, '/').last().unwrap_or_default()
}
