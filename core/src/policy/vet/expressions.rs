//! What single expressions say: calls, paths, what a variable stands for.

use regorus::unstable::{Expr, Ref, Span};
use regorus::utils::get_path_string;
use serde_json::Value;

use crate::digest::to_json;

/// A call, by the name in the source.
pub(super) struct Call<'a> {
    pub span: &'a Span,
    pub name: String,
    pub arguments: &'a [Ref<Expr>],
}

impl<'a> Call<'a> {
    /// Reads a call; `None` for any other expression.
    pub(super) fn of(expression: &'a Expr) -> Option<Self> {
        match expression {
            Expr::Call { span, fcn, params, .. } => {
                Some(Self { span, name: path_name(fcn, None), arguments: params })
            }
            _ => None,
        }
    }
}

/// What a variable stands for.
#[derive(Clone, PartialEq)]
pub(super) enum Meaning<'a> {
    /// One reference.
    Reference(Vec<Option<&'a str>>),
    /// What is at a reference to the input, or something else if nothing is there.
    Lookup(Vec<Option<&'a str>>),
    /// A key of what is at a reference.
    KeyOf(Vec<Option<&'a str>>),
    /// A position in a list.
    Position,
    /// One of these expressions.
    Written(Vec<&'a Ref<Expr>>),
    /// The parameter at this position.
    Parameter(usize),
    /// It has several declarations that differ, or one that says nothing.
    Unknown,
}

/// A reference whose path isn't written as one.
pub(super) struct Lookup<'a> {
    pub path: Vec<Option<&'a str>>,
    pub span: &'a Span,
    /// The variables in the path, with their positions.
    pub variables: Vec<(usize, &'a str)>,
}

impl<'a> Meaning<'a> {
    /// Returns the meaning of an expression.
    pub(super) fn of(expression: &'a Ref<Expr>) -> Self {
        let looked_up = || looked_up(expression).map(Meaning::Lookup);
        let reference = path_of(expression).map(Meaning::Reference);
        reference.or_else(looked_up).unwrap_or_else(|| Meaning::Written(vec![expression]))
    }

    /// Returns the meaning of each element of a collection.
    pub(super) fn element_of(collection: &'a Ref<Expr>) -> Self {
        if let Expr::Array { items, .. } | Expr::Set { items, .. } = &**collection {
            return Meaning::Written(items.iter().collect());
        }
        let element = |path| [path, vec![None]].concat();
        let reference = path_of(collection).map(|path| Meaning::Reference(element(path)));
        let looked_up = || looked_up(collection).map(|path| Meaning::Lookup(element(path)));
        reference.or_else(looked_up).unwrap_or(Meaning::Unknown)
    }

    /// Returns the meaning of each key of a collection.
    pub(super) fn key_of(collection: &'a Ref<Expr>) -> Self {
        match &**collection {
            Expr::Object { fields, .. } => {
                Meaning::Written(fields.iter().map(|(_, key, _)| key).collect())
            }
            Expr::Array { .. } | Expr::ArrayCompr { .. } => Meaning::Position,
            other => {
                let path = path_of(other).or_else(|| looked_up(other));
                path.map_or(Meaning::Unknown, Meaning::KeyOf)
            }
        }
    }
}

impl<'a> Lookup<'a> {
    /// Reads `object.get(collection, key, …)`, whose key may be a list.
    pub(super) fn by_call(expression: &'a Expr) -> Option<Self> {
        let call = Call::of(expression).filter(|call| call.name == "object.get")?;
        let [collection, keys, _] = call.arguments else { return None };
        let keys = match &**keys {
            Expr::Array { items, .. } => items.iter().collect(),
            _ => vec![keys],
        };
        let mut lookup = match path_of(collection) {
            Some(path) => Self { path, span: keys.first()?.span(), variables: Vec::new() },
            None => Self { span: keys.first()?.span(), ..Self::by_call(collection)? },
        };
        keys.into_iter().for_each(|key| lookup.step(key));
        Some(lookup)
    }

    /// Reads a reference such as `input.request[field]`; `None` if it has no variable.
    pub(super) fn by_variables(expression: &'a Expr) -> Option<Self> {
        fn read<'a>(expression: &'a Expr, lookup: &mut Lookup<'a>) {
            match expression {
                Expr::RefDot { refr, field, .. } => {
                    read(refr, lookup);
                    lookup.path.push(Some(field.0.text()));
                }
                Expr::RefBrack { refr, index, .. } => {
                    read(refr, lookup);
                    lookup.step(index);
                }
                Expr::Var { span, .. } => lookup.path.push(Some(span.text())),
                _ => lookup.path.push(None),
            }
        }
        let mut lookup = Self { path: Vec::new(), span: expression.span(), variables: Vec::new() };
        read(expression, &mut lookup);
        (!lookup.variables.is_empty()).then_some(lookup)
    }

    fn step(&mut self, key: &'a Expr) {
        if let Expr::Var { span, .. } = key {
            self.variables.push((self.path.len(), span.text()));
        }
        self.path.push(literal(key));
    }
}

/// Returns a reference as the interpreter writes it, below `parent`.
pub(super) fn path_name(reference: &Expr, parent: Option<&str>) -> String {
    // This fails if it isn't a reference; its text then names nothing that could be called.
    get_path_string(reference, parent).unwrap_or_else(|_| reference.span().text().to_owned())
}

/// Returns the components of a reference. A component that is known only at evaluation is `None`,
/// and so is the first one if the reference doesn't start with a name.
pub(super) fn components(mut expression: &Expr) -> Vec<Option<&str>> {
    let mut components = Vec::new();
    loop {
        match expression {
            Expr::RefDot { refr, field, .. } => {
                components.push(Some(field.0.text()));
                expression = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                components.push(literal(index));
                expression = refr;
            }
            start => {
                components.push(match start {
                    Expr::Var { span, .. } => Some(span.text()),
                    _ => None,
                });
                components.reverse();
                return components;
            }
        }
    }
}

/// Returns the path of what `object.get` reads of the input.
fn looked_up(expression: &Expr) -> Option<Vec<Option<&str>>> {
    let path = Lookup::by_call(expression)?.path;
    (path.first() == Some(&Some("input"))).then_some(path)
}

/// Returns the components of a reference that starts with a name; `None` for anything else.
pub(super) fn path_of(expression: &Expr) -> Option<Vec<Option<&str>>> {
    let is_reference =
        matches!(expression, Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. });
    let path = is_reference.then(|| components(expression))?;
    path.first().is_some_and(Option::is_some).then_some(path)
}

/// Returns the text of a string literal; `None` for any other expression.
pub(super) fn literal(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(|text| &**text)
        }
        _ => None,
    }
}

/// Returns the value of an expression that is written out; `None` for any other.
pub(super) fn value(expression: &Expr) -> Option<Value> {
    match expression {
        Expr::String { value, .. }
        | Expr::RawString { value, .. }
        | Expr::Number { value, .. }
        | Expr::Bool { value, .. }
        | Expr::Null { value, .. } => Some(to_json(value)),
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().map(|item| value(item)).collect::<Option<_>>().map(Value::Array)
        }
        Expr::Object { fields, .. } => {
            let fields = fields
                .iter()
                .map(|(_, key, field)| Some((literal(key)?.to_owned(), value(field)?)));
            fields.collect::<Option<_>>().map(Value::Object)
        }
        Expr::UnaryExpr { expr, .. } => {
            let positive = value(expr)?;
            serde_json::from_str(&format!("-{positive}")).ok()
        }
        _ => None,
    }
}
