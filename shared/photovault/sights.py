"""What a photo seems to show, to rank searches by: names with a strength each, never shown as labels. Pure.

A detector's boxes below the score from which a label is shown, and the guesses of a classifier of whole pictures, are
too often wrong to be listed, and right often enough to put one photo before another.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

# Found on the tuning half of tests/benchmarks/bench_captions.py; each may be half or twice as much without much change.
LEAST = 0.05
"""Below this strength nothing is kept."""
LEAST_SCORE = 0.10
"""Of a box, below which it says nothing."""
_BOX = 1.15  # how much surer a box is than its score says
_CLASS = 0.8  # how much less sure the classifier is than it says
_FOCUS = 0.4  # how much each of the many things in a full picture counts less than the one thing in another
MOST = 16
"""Names that are kept of one photo, the strongest."""
MONOCHROME = "black and white"
"""The name of a picture without colours."""
COUNTED = 0.30
"""Score from which a box counts for how many there are."""


@dataclass(frozen=True)
class Sight:
    """``strength`` is 0..1; ``boxes`` how many of it are there, 0 where only the classifier saw it."""

    strength: float
    boxes: int


def combine(
    boxes: Sequence[tuple[str, float]], classes: Mapping[str, float], *, monochrome: float = 0.0
) -> dict[str, Sight]:
    """What the boxes of a detector (name, score) and the probabilities of a classifier by name say together.

    ``monochrome`` is how surely the picture has no colours; it says nothing about the things in it.
    """
    found: dict[str, float] = {}
    for name, score in boxes:
        if score >= LEAST_SCORE:
            found[name] = max(found.get(name, 0.0), min(1.0, _BOX * score))
    for name, probability in classes.items():
        if probability >= LEAST:
            found[name] = 1 - (1 - found.get(name, 0.0)) * (1 - _CLASS * min(1.0, probability))
    # fsum: the same sum in whatever order.
    fullness = max(1.0, math.fsum(strength * strength for strength in found.values()) ** 0.5) ** _FOCUS
    counts = Counter(name for name, score in boxes if score >= COUNTED)
    best = sorted(((strength / fullness, name) for name, strength in found.items()), key=lambda one: (-one[0], one[1]))
    if monochrome >= LEAST:
        best = [(monochrome, MONOCHROME), *best]
    return {name: Sight(strength, counts[name]) for strength, name in best[:MOST] if strength >= LEAST}


@lru_cache(maxsize=1)
def classes() -> dict[str, tuple[int, ...]]:
    """The classes of ImageNet that each of our names stands for, as the classifier numbers them."""
    found = {}
    for line in _CLASSES.replace("\n ", "").strip().split("\n"):
        name, spans = line.split(": ")
        numbers: list[int] = []
        for span in spans.split(" "):
            first, _, last = span.partition("-")
            numbers.extend(range(int(first), int(last or first) + 1))
        found[name] = tuple(numbers)
    return found


# The 1,000 classes of ILSVRC 2012 in the order of their WordNet numbers, counted from 1 (0 is the background), under
# names that people search by. A class may stand under several; the probabilities of a name's classes add up.
_CLASSES = """\
shark: 3-5
fish: 1-7 390-398
chicken: 8-9
bird: 8-25 81-101 128-147
ostrich: 10
eagle: 23
owl: 25
parrot: 88-91
peacock: 85
hummingbird: 95
duck: 98-99
goose: 100
swan: 101
flamingo: 131
pelican: 145
penguin: 146
frog: 31-33
turtle: 34-38
lizard: 39-49
crocodile: 50-51
snake: 53-69
spider: 71 73-78
koala: 106
kangaroo: 105
jellyfish: 108
coral: 109-110 974
snail: 114-115
crab: 119-122 126
lobster: 123-125
whale: 148-149
seal: 150-151
dog: 152-269
wolf: 270-273
fox: 278-281
cat: 282-286
leopard: 287-291 294
lion: 292
tiger: 293
bear: 295-298
polar bear: 297
insect: 301-321
bee: 310
butterfly: 322-327
rabbit: 331-333
hamster: 334 339
squirrel: 336-337
horse: 340 604
zebra: 341
pig: 342-344
hippopotamus: 345
cow: 346-348 691
sheep: 349-350
goat: 351
deer: 352-354
camel: 355
llama: 356
monkey: 366-383
elephant: 102 386-387
panda: 388-389
altar: 407
guitar: 403 421 547
violin: 487 890
piano: 580 882
drum: 542 823
flute: 433 559 684 700
trumpet: 514 567 777 876
microphone: 651
stage: 820 855
airplane: 405 896 909
airship: 406
balloon: 418
parachute: 702
ambulance: 408
bakery: 416 510
shop: 416 455 468 510 583 789 861 866
market: 468 583
restaurant: 763
bar: 442 504 967
gym: 417 423 544 603 703
barn: 426 854 959
boat: 404 473 485 511 555 577 626 629 695 725 781 815 872 915
ship: 404 511 629 725 781
sailboat: 485 781 872 915
submarine: 834
harbour: 461 537 719
bridge: 822 840 889
lighthouse: 438
church: 407 443 498 664 885
mosque: 669
temple: 833
castle: 484 699
tower: 443 683 901
dome: 539
ruin: 501 650 874
fountain: 563
statue: 709 864
dam: 526
fence: 490 717 913
wall: 826
greenhouse: 581
tent: 673 916
park: 449 647 704
playground: 477 646 844
baseball: 430 982
basketball: 431
football: 561 769
soccer: 806
volleyball: 891
golf: 575-576
tennis: 753 853
ski: 796-797 971
snow: 451 538 796 803-804 971
swimming: 434 446 639-640 802 843
diving: 802 984
wedding: 579 983
bench: 704
bed: 565 722 751 832
bedroom: 565 722 751 895
cradle: 432 517 521 530
bathroom: 435-436 649 701 732 794-795 805 862 877 897 1000
toilet: 862
sink: 897
kitchen: 474 506 522 535 545 551 568 619 648 652 660 730 761 767 814 828-829 860 892 910-911
stove: 828
refrigerator: 761
microwave: 652
oven: 545 767 828
living room: 549 557 599 766 832 852
couch: 832
chair: 424 560 766 858
tv: 549 599 783 852
computer: 509 527-528 591 621 665 674 682 783 811 879
desk: 527
laptop: 621 682
office: 509 527-528 554 665 714 743
library: 454-455 625
book: 454-455 625 918 922
document: 550 917 919 922-923
screenshot: 917
cell phone: 488 529 591 606 708
camera: 623 733 760 873
tripod: 873
projector: 746
radio: 483 486 633 755 849
clock: 410 531 605 827 836 893
watch: 532
lamp: 471 620 819 847 863
candle: 471
vase: 884
pot: 739 996
bottle: 441 721 738 899 902 908
wine: 573 908 967
beer: 441-442
coffee: 505-506 551 968-969
cup: 505 648 850 968-969
tea: 850
plate: 924 960 963
tray: 869
food: 810 924-970
bowl: 660 810 926-927
soup: 810 926-927
pasta: 960
meat: 963
bread: 931-933 962
cake: 928 961 970
dessert: 928-930 961
ice cream: 929-930
sandwich: 934
burger: 934
hot dog: 935
pizza: 964-965
burrito: 966
potato: 936
vegetable: 937-948 988
broccoli: 938-939
mushroom: 948 992-998
fruit: 949-958
apple: 949 957
strawberry: 950
orange: 951-952
lemon: 952
pineapple: 954
banana: 955
corn: 988 999
flower: 985-987 990
bicycle: 445 672 871 881
motorcycle: 666 671
helmet: 519 561
bus: 655 780 875
school bus: 780
taxi: 469
car: 437 469 476 480 512 582 610 628 657 662 752 786 818
racing: 574 752
police: 735
firefighter: 556
tank: 472 587 848
truck: 556 570 676 718 804 865 868
tractor: 596 622 731 857 867
farm: 346 426 596 731 857 867 913 959
train: 467 548 566 706 821 830
station: 467 706 878
tram: 830 875
street: 408 469 572 628 638 641 655 657 705 735 830 875 920-921
sign: 920-921
traffic light: 921
parking meter: 705
rocket: 658 745 813
umbrella: 880
backpack: 415
bag: 637 729 749 791 798
handbag: 749
suitcase: 493 520
tie: 452 458 907
suit: 458 835 907 983
hat: 440 453 516 668 716 809
graduation: 401 668
dress: 579 602 615 656 690 776
shoe: 503 515 631 771 775 789 807
sunglasses: 837-838
mask: 571 644 692
jewelry: 465 489 680
toy: 612 720 724 851 866
teddy bear: 851
pumpkin: 608 941-943
christmas: 497
weapon: 414 598 764-765
scissors: 624
tool: 478 492 588 597 678 727 741 784-785 793
knife: 500 624
microscope: 439 634 713
mountain: 673 971 973 980-981
volcano: 975 981
beach: 461 977-979
water: 461 473 526 537 719 815 975-979
lake: 976
cliff: 501 973 977
valley: 980
underwater: 109 393-394 397 974 984
cinema: 499 746 855
fireplace: 557
door: 790 800
window: 905-906
curtain: 795 855 906
house: 661 707 854 859
garden: 581 622 707 739
patio: 707
spider web: 816
tree: 989 991
medicine: 420 721 824 831 846
skateboard: 881
dining table: 533
keyboard: 509 879
mouse: 674
remote: 762
toaster: 860
hair drier: 590
wine glass: 573
tennis racket: 753
sports ball: 431 523 575 723 769 806 853 891
spoon: 619 911
shirt: 611 842
jeans: 609
apron: 412
sock: 807
uniform: 466 653 716
pillow: 722 751
towel: 435
trash: 413
bucket: 464
broom: 463
vacuum cleaner: 883
mailbox: 638
wardrobe: 496 895
washing machine: 898
dishwasher: 535
vending machine: 887
shopping cart: 791-792
gas station: 572
cash machine: 481
printer: 714 743
sewing machine: 787
xylophone: 643
accordion: 402
harp: 595
organ: 688
puzzle: 612
billiards: 737
hockey: 747
table tennis: 723
carousel: 477
swing: 844
flag: 558
starfish: 328
makeup: 552 630
comics: 918
menu: 923
binoculars: 448
"""
