use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;

use super::*;

/// Certificate Transparency's test data: the leaves, and the root at each size.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const INCLUSIONS: [(u64, u64, &[&str]); 4] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
];
const CONSISTENCIES: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn hex(hash: &Hash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_of(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(hex).collect()
}

/// A tree of leaves that hold their index.
fn tree_of(size: u64) -> Tree {
    (0..size).map(|index| leaf(&index.to_be_bytes())).collect()
}

/// The tree's size and root at a size.
fn head(tree: &Tree, size: u64) -> (u64, Hash) {
    (size, tree.root_at(size).unwrap())
}

/// All that differs from a proof in one place: a bit flipped, a hash missing, twice, or at either end.
fn mutations(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for place in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[place].0[place % 32] ^= 1;
        let mut missing = proof.to_vec();
        missing.remove(place);
        let mut twice = proof.to_vec();
        twice.insert(place, proof[place]);
        all.extend([flipped, missing, twice]);
    }
    all.extend([[proof, &[leaf(b"more")]].concat(), [&[leaf(b"more")], proof].concat()]);
    all
}

#[test]
fn roots_and_proofs_are_those_of_certificate_transparency() {
    let tree: Tree = LEAVES.into_iter().map(leaf).collect();
    let mut frontier = Frontier::default();
    for (size, root) in ROOTS.into_iter().enumerate() {
        assert_eq!(hex(&tree.root_at(size as u64).unwrap()), root);
        assert_eq!(hex(&frontier.root()), root);
        if let Some(bytes) = LEAVES.get(size) {
            frontier.push(leaf(bytes));
        }
    }
    for (index, size, proof) in INCLUSIONS {
        assert_eq!(hex_of(&tree.inclusion(index, size).unwrap()), proof, "{index} in {size}");
    }
    for (from, to, proof) in CONSISTENCIES {
        assert_eq!(hex_of(&tree.consistency(from, to).unwrap()), proof, "{from} to {to}");
    }
}

#[test]
fn every_proof_verifies() {
    const SIZE: u64 = 70;
    let tree = tree_of(SIZE);
    for size in 0..=SIZE {
        let whole = head(&tree, size);
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            let this = leaf(&index.to_be_bytes());
            assert!(verify_inclusion(this, index, whole, &proof), "{index} in {size}");
        }
        for from in 0..=size {
            let proof = tree.consistency(from, size).unwrap();
            assert!(verify_consistency(head(&tree, from), whole, &proof), "{from} to {size}");
        }
    }
}

#[test]
fn no_changed_inclusion_verifies() {
    let tree = tree_of(34);
    for size in (0..=17).chain([32, 33]) {
        let whole = head(&tree, size);
        for index in 0..size {
            let this = leaf(&index.to_be_bytes());
            let proof = tree.inclusion(index, size).unwrap();
            for changed in mutations(&proof) {
                assert!(!verify_inclusion(this, index, whole, &changed), "{index} in {size}");
            }
            for other in (0..=size).filter(|other| *other != index) {
                assert!(!verify_inclusion(this, other, whole, &proof), "{index} in {size}");
            }
            assert!(!verify_inclusion(this, index, head(&tree, size + 1), &proof));
            assert!(!verify_inclusion(leaf(b"other"), index, whole, &proof));
        }
    }
}

#[test]
fn no_changed_consistency_verifies() {
    let tree = tree_of(34);
    let other = |size| (size, leaf(b"other"));
    for size in (0..=17).chain([32, 33]) {
        let new = head(&tree, size);
        for from in 0..=size {
            let old = head(&tree, from);
            let proof = tree.consistency(from, size).unwrap();
            for changed in mutations(&proof) {
                assert!(!verify_consistency(old, new, &changed), "{from} to {size}");
            }
            assert!(!verify_consistency(other(from), new, &proof), "{from} to {size}");
            assert!(from == size || !verify_consistency(new, old, &proof), "{size} to {from}");
            // Whatever grew, it began empty.
            let anything_goes = from == 0 && size > 0;
            assert_eq!(verify_consistency(old, other(size), &proof), anything_goes);
        }
    }
}

#[test]
fn what_is_not_in_the_tree_is_not_proved() {
    let tree = tree_of(5);
    assert_eq!(tree.root_at(6), None);
    assert_eq!(tree.inclusion(5, 5), None);
    assert_eq!(tree.inclusion(0, 6), None);
    assert_eq!(tree.consistency(5, 6), None);
    assert_eq!(tree.consistency(4, 3), None);
    assert!(!verify_inclusion(leaf(b""), 0, (0, Frontier::default().root()), &[]));
    let another_empty_tree = (0, leaf(b""));
    assert!(!verify_consistency(another_empty_tree, another_empty_tree, &[]));
}

#[test]
fn what_proves_the_larger_tree_proves_the_smaller() {
    const SIZE: u64 = 70;
    let tree = tree_of(SIZE);
    for size in 1..=SIZE {
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            let this = leaf(&index.to_be_bytes());
            let smaller = up_to(this, index, size, &proof).unwrap();
            assert_eq!((smaller.size(), smaller.root()), head(&tree, index + 1));
            let joins = joins(index, size, &proof).unwrap();
            let root = joins.into_iter().fold(this, |at, (side, hash)| match side {
                Side::Left => inner(hash, at),
                Side::Right => inner(at, hash),
            });
            assert_eq!(Some(root), tree.root_at(size), "{index} in {size}");
            let longer = [proof.as_slice(), &[this]].concat();
            assert_eq!(up_to(this, index, size, &longer), None);
            assert_eq!(up_to(this, size, size, &proof), None);
        }
    }
}

#[test]
fn the_largest_numbers_are_refused_quietly() {
    let hash = leaf(b"");
    for number in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) + 1] {
        for proof in [vec![], vec![hash], vec![hash; 64], vec![hash; 65]] {
            assert!(!verify_inclusion(hash, number - 1, (number, hash), &proof));
            assert!(!verify_consistency((number - 1, hash), (number, hash), &proof));
        }
    }
    assert_eq!(Frontier::of(1 << 63, vec![hash]), None);
    assert_eq!(Frontier::of(u64::MAX, vec![hash; 64]), None);
}

#[test]
fn a_frontier_goes_on_from_its_hashes() {
    let tree = tree_of(70);
    let mut frontier = Frontier::default();
    for index in 0..70u64 {
        assert_eq!((frontier.size(), frontier.root()), head(&tree, index));
        let hashes = frontier.hashes().to_vec();
        assert_eq!(Frontier::of(index, hashes.clone()), Some(frontier));
        assert_eq!(Frontier::of(index, [hashes.as_slice(), &[leaf(b"")]].concat()), None);
        frontier = Frontier::of(index, hashes).unwrap();
        frontier.push(leaf(&index.to_be_bytes()));
    }
}

#[test]
fn a_hash_is_read_as_it_is_written() {
    let text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(Frontier::default().root().to_string(), text);
    assert_eq!(text.parse(), Ok(Frontier::default().root()));
    let long = BASE64.encode([0; 33]);
    for wrong in ["", &text[..43], &text.replace("FU=", "FV="), &format!("{text}\n"), &long] {
        assert!(wrong.parse::<Hash>().unwrap_err().contains("is not a hash"), "{wrong}");
    }
}

proptest! {
    #[test]
    fn another_implementation_agrees(
        leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..300),
        places in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let size = places.0.index(leaves.len()) + 1;
        let index = places.1.index(size);
        let tree: Tree = leaves.iter().map(|bytes| leaf(bytes)).collect();
        let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        leaves[..size].iter().for_each(|bytes| other.push(bytes.clone()));

        let bytes = |proof: Vec<Hash>| proof.iter().flat_map(|hash| hash.0).collect::<Vec<_>>();
        let (index64, size64) = (index as u64, size as u64);
        prop_assert_eq!(tree.root_at(size64).unwrap().0.to_vec(), other.root().as_bytes().to_vec());
        let inclusion = bytes(tree.inclusion(index64, size64).unwrap());
        prop_assert_eq!(inclusion, other.prove_inclusion(index).as_bytes().to_vec());
        let added = size - index - 1;
        if added > 0 {
            let consistency = bytes(tree.consistency(index64 + 1, size64).unwrap());
            prop_assert_eq!(consistency, other.prove_consistency(added).as_bytes().to_vec());
        }
    }
}
